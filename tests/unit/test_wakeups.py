import asyncio
import threading

from src.services.wakeups import Occasion, WakeUps


def test_a_ring_from_a_thread_wakes_every_subscriber_in_the_event_loop_and_nobody_else() -> None:
    async def listen() -> list[tuple[str, bool]]:
        wakeups, loops_thread = WakeUps(), threading.current_thread()
        woken: list[tuple[str, bool]] = []
        done = asyncio.Event()

        def hear(name: str) -> None:
            woken.append((name, threading.current_thread() is loops_thread))

        wakeups.messages_waiting.subscribe(lambda: hear("first"))
        wakeups.messages_waiting.subscribe(lambda: hear("second"))
        wakeups.messages_waiting.subscribe(done.set)
        wakeups.courses_waiting.subscribe(lambda: hear("not meant"))
        await asyncio.to_thread(wakeups.messages_waiting.ring)
        await done.wait()
        return woken

    assert asyncio.run(listen()) == [("first", True), ("second", True)]


def test_a_ring_that_nobody_has_subscribed_to_does_nothing() -> None:
    async def ring() -> None:
        WakeUps().imports_waiting.ring()
        await asyncio.sleep(0)

    asyncio.run(ring())


def test_one_that_fails_keeps_no_other_asleep() -> None:
    async def ring() -> list[str]:
        woken: list[str] = []
        occasion = Occasion()
        occasion.subscribe(lambda: woken.append(str(1 / 0)))
        occasion.subscribe(lambda: woken.append("second"))
        occasion.ring()
        await asyncio.sleep(0)
        return woken

    assert asyncio.run(ring()) == ["second"]
