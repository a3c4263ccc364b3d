"""The brake by itself. Where it matters which call goes first, the calls say so; pauses are as short as can be."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.errors import ModelUnavailable, Stopping
from src.services.model import brake as model_brake
from src.services.model.brake import LONGEST_WAIT, ModelBrake, Turn
from tests.clock import Clock

T = TypeVar("T")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(model_brake, "time", moved)
    return moved


def braked(work: Callable[[ModelBrake], Awaitable[T]], ceiling: int = 8, patience: float = 30.0) -> T:
    """What `work` makes of a new brake, in an event loop."""

    async def run() -> T:
        return await work(ModelBrake(ceiling, patience))

    return asyncio.run(run())


async def opened(brake: ModelBrake, stack: AsyncExitStack, number: int) -> list[Turn]:
    return [await stack.enter_async_context(brake.turn()) for _ in range(number)]


async def clean_round(brake: ModelBrake) -> None:
    for _ in range(brake.limit):
        async with brake.turn() as turn:
            brake.answered(turn)


class TestLimit:
    def test_calls_that_were_open_together_halve_it_once(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                for turn in await opened(brake, stack, 8):
                    brake.refused(turn, None)
            assert brake.limit == 4

        braked(work)

    def test_it_is_half_of_what_was_open_and_not_of_what_might_have_been(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                turns = await opened(brake, stack, 6)
                brake.refused(turns[-1], None)
            assert brake.limit == 3

        braked(work, ceiling=256)

    def test_it_never_ends_at_nothing(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            for _ in range(5):
                async with brake.turn() as turn:
                    brake.refused(turn, None)
                clock.now += 30
            assert brake.limit == 1

        braked(work)

    def test_each_round_of_answers_gives_a_quarter_back(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                brake.refused((await opened(brake, stack, 8))[0], None)
            clock.now += 30
            limits = []
            for _ in range(5):
                await clean_round(brake)
                limits.append(brake.limit)
            assert limits == [5, 6, 7, 8, 8]

        braked(work)

    def test_answers_to_calls_from_before_the_refusal_prove_nothing(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                turns = await opened(brake, stack, 8)
                brake.refused(turns[0], None)
                for turn in turns[1:]:
                    brake.answered(turn)
            assert brake.limit == 4

        braked(work)


class TestTurn:
    def test_no_more_than_the_limit_are_open_and_the_line_is_kept(self) -> None:
        async def work(brake: ModelBrake) -> None:
            order: list[str] = []

            async def call(name: str, again: bool = False) -> None:
                async with brake.turn(again=again):
                    assert brake.open_calls <= 2
                    order.append(name)
                    await asyncio.sleep(0)

            async with AsyncExitStack() as stack:
                await opened(brake, stack, 2)
                tasks = [asyncio.create_task(call(name, again=name == "again")) for name in ("a", "b", "again", "c")]
                await asyncio.sleep(0)
                assert order == []
            await asyncio.gather(*tasks)
            assert order == ["again", "a", "b", "c"]
            assert brake.open_calls == 0

        braked(work, ceiling=2)

    def test_who_is_cancelled_leaves_the_line_and_takes_nobodys_turn(self) -> None:
        async def work(brake: ModelBrake) -> None:
            async def call() -> None:
                async with brake.turn():
                    pass

            async with AsyncExitStack() as stack:
                await opened(brake, stack, 1)
                gone, stays, admitted = (asyncio.create_task(call()) for _ in range(3))
                await asyncio.sleep(0)
                gone.cancel()
            # Admitted and cancelled in one moment: the turn goes to the next.
            stays.cancel()
            await admitted
            assert brake.open_calls == 0

        braked(work, ceiling=1)

    @given(st.lists(st.sampled_from(["answer", "refuse", "break", "cancel"]), min_size=1, max_size=30))
    def test_whatever_becomes_of_calls_each_gives_its_turn_back(self, ends: list[str]) -> None:
        async def work(brake: ModelBrake) -> None:
            async def call(end: str) -> None:
                async with brake.turn() as turn:
                    assert brake.open_calls <= 3
                    await asyncio.sleep(0)
                    if end == "answer":
                        brake.answered(turn)
                    elif end == "break":
                        raise ZeroDivisionError
                    elif end == "refuse":
                        brake.refused(turn, None)
                        brake._resume()  # without the wait

            tasks = {asyncio.create_task(call(end)): end for end in ends}
            await asyncio.sleep(0)
            for task, end in tasks.items():
                if end == "cancel":
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert brake.open_calls == 0
            assert brake.limit >= 1

        braked(work, ceiling=3)

    def test_while_all_is_well_a_long_line_is_no_reason_to_give_up(self) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                async with brake.turn():
                    waiting = asyncio.create_task(stack.enter_async_context(brake.turn()))
                    # It goes back to waiting, instead of giving up, each time that its patience has ended.
                    await asyncio.wait((waiting,), timeout=0.05)
                    assert not waiting.done()
                await waiting

        braked(work, ceiling=1, patience=0.01)

    def test_while_it_is_not_who_has_waited_long_enough_gives_its_slot_back(self) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                brake.refused((await opened(brake, stack, 2))[0], None)
                with pytest.raises(ModelUnavailable, match="no call could be opened"):
                    await stack.enter_async_context(brake.turn())

        braked(work, ceiling=2, patience=0.01)

    def test_after_a_stop_nobody_waits(self) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                await opened(brake, stack, 1)
                waiting = asyncio.create_task(stack.enter_async_context(brake.turn()))
                await asyncio.sleep(0)
                brake.stop()
                with pytest.raises(Stopping):
                    await waiting
                with pytest.raises(Stopping):
                    await stack.enter_async_context(brake.turn())
            async with brake.turn():  # of a lesson that is under way, there is room
                pass

        braked(work, ceiling=1)


class TestPause:
    def test_a_wait_that_one_call_is_told_keeps_every_call_back(self) -> None:
        async def work(brake: ModelBrake) -> None:
            async with brake.turn() as turn:
                brake.refused(turn, 0.05)
            assert brake.holds_up
            waiting = [asyncio.create_task(brake.turn().__aenter__()) for _ in range(3)]
            await asyncio.sleep(0)
            assert brake.open_calls == 0
            await waiting[0]
            assert brake.paused_for == 0
            assert brake.open_calls == 1  # the limit is one by now
            for task in waiting[1:]:
                task.cancel()

        braked(work)

    def test_one_that_is_too_long_for_a_slot_sends_everybody_away_also_who_waits_already(self) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                (turn,) = await opened(brake, stack, 1)
                waiting = asyncio.create_task(stack.enter_async_context(brake.turn()))
                await asyncio.sleep(0)
                brake.refused(turn, LONGEST_WAIT + 30)
                for late in (waiting, stack.enter_async_context(brake.turn())):
                    with pytest.raises(ModelUnavailable) as caught:
                        await late
                    assert caught.value.retry_after == pytest.approx(LONGEST_WAIT + 30, abs=5)

        braked(work, ceiling=1)

    def test_an_absurd_one_is_capped(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            async with brake.turn() as turn:
                brake.refused(turn, 1e300)
            assert brake.paused_for == 600

        braked(work)

    def test_a_shorter_one_does_not_end_a_longer_one(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            brake.pause(30)
            brake.pause(1)
            assert brake.paused_for == 30

        braked(work)

    def test_without_one_it_waits_of_its_own_accord_longer_each_time(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> list[float]:
            waits = []
            for _ in range(8):
                async with brake.turn() as turn:
                    brake.refused(turn, None)
                waits.append(brake.paused_for)
                clock.now += 30
            return waits

        waits = braked(work)
        assert 0.25 <= waits[0] <= 0.5
        assert all(10 <= wait <= 20 for wait in waits[-2:])

    def test_after_a_long_one_a_single_call_tries_first(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                turns = await opened(brake, stack, 8)
                brake.pause(LONGEST_WAIT + 1)
                for turn in turns:
                    brake.answered(turn)
            assert brake.limit == 1

        braked(work)


class TestHoldsUp:
    def test_while_all_is_well_a_long_line_is_no_reason(self) -> None:
        async def work(brake: ModelBrake) -> None:
            async with brake.turn():
                waiting = asyncio.create_task(brake.turn().__aenter__())
                await asyncio.sleep(0)
                assert not brake.holds_up
                waiting.cancel()

        braked(work, ceiling=1)

    def test_while_fewer_calls_are_let_through_a_line_is_one(self, clock: Clock) -> None:
        async def work(brake: ModelBrake) -> None:
            async with AsyncExitStack() as stack:
                brake.refused((await opened(brake, stack, 8))[0], None)
                assert brake.holds_up  # for the moment because of the pause
                clock.now += 30
                assert not brake.holds_up
                waiting = asyncio.create_task(brake.turn().__aenter__())
                await asyncio.sleep(0)
                assert brake.holds_up
                waiting.cancel()

        braked(work)


class TestHeaders:
    """The `x-ratelimit-*` headers of an answer."""

    @pytest.mark.parametrize(
        ("headers", "pause"),
        [
            ({}, 0),
            ({"remaining-requests": "1", "reset-requests": "30s", "limit-requests": "60"}, 0),
            # Half a second a request: the bucket of sixty is full again in thirty.
            ({"remaining-requests": "0", "reset-requests": "30s", "limit-requests": "60"}, 0.5),
            ({"remaining-requests": "0", "reset-requests": "30s"}, 30),
            ({"remaining-tokens": "5000", "reset-tokens": "1m0s", "limit-tokens": "150000"}, 0),
            # 3,000 are missing of the 148,000 that come back in 59.2 s.
            ({"remaining-tokens": "2000", "reset-tokens": "59.2s", "limit-tokens": "150000"}, 1.2),
            ({"remaining-tokens": "0", "reset-tokens": "6m0s", "limit-tokens": "1000"}, 360),
            ({"remaining-tokens": "0", "reset-tokens": "120ms"}, 0.12),
            ({"remaining-tokens": "0", "reset-tokens": "1d2h"}, 600),
            ({"remaining-tokens": "-1", "reset-tokens": "1m"}, 0),
            ({"remaining-tokens": "none", "reset-tokens": "1m"}, 0),
            ({"remaining-tokens": "0", "reset-tokens": "soon"}, 0),
            ({"remaining-tokens": "0", "reset-tokens": "1m and a bit"}, 0),
            ({"remaining-tokens": "0", "limit-tokens": "0", "reset-tokens": "2s"}, 2),
        ],
    )
    def test_a_bucket_that_has_no_room_for_one_more_call_is_given_the_time_to_fill(
        self, clock: Clock, headers: dict[str, str], pause: float
    ) -> None:
        async def work(brake: ModelBrake) -> None:
            brake.observe({f"x-ratelimit-{name}": value for name, value in headers.items()}, 5000)
            assert brake.paused_for == pytest.approx(pause)

        braked(work)

    @given(st.dictionaries(st.sampled_from(["remaining", "reset", "limit"]), st.text(max_size=20)))
    def test_whatever_they_hold_they_break_nothing(self, values: dict[str, str]) -> None:
        async def work(brake: ModelBrake) -> None:
            brake.observe({f"x-ratelimit-{name}-tokens": value for name, value in values.items()}, 1)

        braked(work)
