"""The heartbeat: what slots may believe about their leases (fault 8). The clock is moved by hand."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from src.config import WorkerSettings
from src.consumers import heartbeat as heartbeat_module
from src.consumers.heartbeat import Heartbeat, Leases
from src.domain.course import Claim
from src.domain.errors import TwinFound
from src.services.database.worker_registry import WorkerRegistry
from src.services.wakeups import WakeUps
from tests.clock import Clock
from tests.peers import Peer
from tests.sql import Psql
from tests.waiting import eventually

CONFIG = WorkerSettings(lease=30, heartbeat=5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    moved_by_hand = Clock()
    monkeypatch.setattr(heartbeat_module, "time", moved_by_hand)
    yield moved_by_hand


@dataclass
class Slots:
    """Stands for the course worker: holds leases and hears what becomes of them."""

    lost: list[set[UUID]] = field(default_factory=list)
    woken: int = 0
    leases: Leases = field(default_factory=Leases)
    twins: list[TwinFound] = field(default_factory=list)

    def heartbeat(self, registry: WorkerRegistry, config: WorkerSettings = CONFIG) -> Heartbeat:
        wakeups = WakeUps()
        wakeups.courses_waiting.subscribe(self._wake)
        self.leases.on_lost(self._lose)
        return Heartbeat(registry, config, self.leases, wakeups, self.twins.append)

    def _lose(self, leases: Collection[UUID]) -> None:
        self.lost.append(set(leases))

    def _wake(self) -> None:
        self.woken += 1


@dataclass
class Scene:
    """A worker with one claimed course, its heartbeat, and a database that may go away."""

    psql: Psql
    clock: Clock
    worker: Peer
    claim: Claim
    slots: Slots = field(default_factory=Slots)

    def play(self, story: Callable[["Scene"], None]) -> None:
        async def stage() -> None:
            self.slots.leases.held = frozenset({self.claim.lease_id})
            self.heartbeat = self.slots.heartbeat(self.worker.registry)
            story(self)
            await asyncio.sleep(0)  # callbacks of the thread arrive

        asyncio.run(stage())

    def pass_time(self, seconds: float, *, loop_runs: bool = True, beats: bool = True) -> None:
        """Seconds go by, one heartbeat at a time."""
        for _ in range(int(seconds)):
            self.clock.now += 1
            if loop_runs:
                self.heartbeat.tick()
            if beats and self.clock.now % CONFIG.heartbeat == 0:
                self.heartbeat.beat()


@pytest.fixture
def scene(psql: Psql, clock: Clock, peer: Callable[..., Peer], queue_course: Callable[..., str]) -> Scene:
    queue_course()
    worker = peer(lease=CONFIG.lease)
    return Scene(psql, clock, worker, worker.claim_one())


def test_before_the_first_beat_nothing_may_be_claimed(scene: Scene) -> None:
    def story(scene: Scene) -> None:
        assert not scene.slots.leases.proven
        scene.heartbeat.beat()
        assert scene.slots.leases.proven

    scene.play(story)
    assert scene.slots.woken == 1


def test_while_it_beats_leases_stay_proven_and_nothing_is_lost(scene: Scene) -> None:
    def story(scene: Scene) -> None:
        scene.heartbeat.beat()
        scene.pass_time(10 * CONFIG.lease)
        assert scene.slots.leases.proven

    scene.play(story)
    assert scene.slots.lost == []


def test_a_cancelled_course_is_reported_by_the_next_beat(scene: Scene) -> None:
    def story(scene: Scene) -> None:
        scene.heartbeat.beat()
        scene.psql.run("UPDATE courses SET status = 'FAILED'")
        scene.pass_time(CONFIG.heartbeat)

    scene.play(story)
    assert scene.slots.lost == [{scene.claim.lease_id}]


def test_a_course_claimed_during_a_beat_is_not_taken_for_lost(scene: Scene) -> None:
    ask = scene.worker.registry.beat

    def claim_meanwhile(patience: float) -> Collection[UUID]:
        answer = ask(patience)
        scene.slots.leases.held |= {UUID(int=1)}
        return answer

    scene.worker.registry.beat = claim_meanwhile  # type: ignore[method-assign]
    scene.play(lambda scene: scene.heartbeat.beat())
    assert scene.slots.lost == []


def test_when_beats_fail_slots_stop_before_the_lease_ends(scene: Scene) -> None:
    def story(scene: Scene) -> None:
        scene.heartbeat.beat()
        scene.psql.run("ALTER TABLE workers RENAME TO gone")  # every beat fails from here on
        scene.pass_time(CONFIG.lease - 6)
        assert scene.slots.leases.proven
        assert scene.slots.lost == []
        scene.pass_time(5)  # one second before the lease ends
        assert not scene.slots.leases.proven

    scene.play(story)
    assert scene.slots.lost == [{scene.claim.lease_id}]


def test_when_beats_succeed_again_claims_are_possible_again(scene: Scene) -> None:
    def story(scene: Scene) -> None:
        scene.heartbeat.beat()
        scene.pass_time(2 * CONFIG.lease, beats=False)
        assert not scene.slots.leases.proven
        scene.heartbeat.beat()
        assert scene.slots.leases.proven

    scene.play(story)
    assert scene.slots.woken == 2


def test_while_the_event_loop_hangs_the_thread_does_not_beat(scene: Scene) -> None:
    def story(scene: Scene) -> None:
        scene.heartbeat.beat()
        seen = scene.psql.value("SELECT last_seen_at FROM workers")
        scene.pass_time(2 * CONFIG.heartbeat - 1, loop_runs=False, beats=False)
        scene.heartbeat.beat()
        assert scene.psql.value("SELECT last_seen_at FROM workers") != seen
        seen = scene.psql.value("SELECT last_seen_at FROM workers")
        scene.pass_time(CONFIG.lease, loop_runs=False)
        assert scene.psql.value("SELECT last_seen_at FROM workers") == seen
        scene.heartbeat.tick()
        scene.heartbeat.beat()
        assert scene.psql.value("SELECT last_seen_at FROM workers") != seen

    scene.play(story)


def test_its_thread_beats_by_itself(psql: Psql, peer: Callable[..., Peer]) -> None:
    worker = peer(lease=1.5)

    async def run() -> None:
        slots = Slots()
        heartbeat = slots.heartbeat(worker.registry, WorkerSettings(lease=1.5, heartbeat=0.1))
        await heartbeat.start()
        first = psql.value("SELECT last_seen_at FROM workers")
        await asyncio.to_thread(
            eventually, lambda: psql.value("SELECT last_seen_at FROM workers") != first, "it beats again"
        )
        await heartbeat.stop()

    asyncio.run(run())


def test_once_it_has_started_the_worker_is_seen_and_may_claim(psql: Psql, peer: Callable[..., Peer]) -> None:
    """What it took from the outbox before its first beat would count as a dead worker's."""
    worker = peer()
    psql.run("DELETE FROM workers")

    async def run() -> bool:
        slots = Slots()
        heartbeat = slots.heartbeat(worker.registry, WorkerSettings(heartbeat=10))
        await heartbeat.start()
        proven = slots.leases.proven
        await heartbeat.stop()
        return proven

    assert asyncio.run(run())
    assert psql.value("SELECT count(*) FROM workers") == 1
