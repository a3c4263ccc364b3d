"""The course worker's slots, in this process."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from src.config import Settings
from src.consumers.attempt import AttemptRunner
from src.consumers.course_worker import CourseWorker
from src.consumers.heartbeat import Leases
from src.consumers.mirror_keeper import MirrorKeeper
from src.consumers.model_breaker import ModelBreaker
from src.consumers.process_state import ProcessState, Slots
from src.domain.course import Lost, Outcome
from src.domain.redaction import Redactor
from src.services.course_generator import CourseGenerator
from src.services.files.mirror import Mirror
from src.services.model.brake import ModelBrake
from tests.peers import Peer
from tests.sql import Psql


class Generator:
    """Notes what it is given, and ends at once."""

    def __init__(self) -> None:
        self.leases: list[str] = []

    async def generate(self, claim: Any, _calls: Any) -> Outcome:
        self.leases.append(str(claim.lease_id))
        return Lost()


class Proof(Leases):
    """Says each time what a test has laid down."""

    def __init__(self, *answers: bool) -> None:
        super().__init__()
        self._answers = list(answers)

    @property
    def proven(self) -> bool:
        return self._answers.pop(0)


def test_a_claim_that_took_longer_than_leases_can_be_proven_is_not_worked_on_but_adopted_later(
    psql: Psql, peer: Callable[..., Peer], queue_course: Callable[..., str]
) -> None:
    """Fault 8: the slot would begin when nobody looks after its lease."""
    queue_course()
    me, generator, mirror = peer(), Generator(), Mirror(None)
    proof = Proof(True, False, True, True)  # before and after each of two claims

    async def take_two_turns() -> None:
        breaker, settings, shutdown = ModelBreaker(ModelBrake(10, 1.0)), Settings(env_file=None), asyncio.Event()
        worker = CourseWorker(
            me.registry.membership,
            AttemptRunner(
                cast(CourseGenerator, generator), me.store, mirror, breaker, Redactor(), settings.course, shutdown
            ),
            me.store,
            MirrorKeeper(me.store, mirror),
            settings,
            ProcessState(Slots(50), breaker, proof),
        )
        await worker.turn()
        await asyncio.to_thread(me.beat)
        assert (worker.slots_in_use, generator.leases) == (0, [])
        late = psql.row("SELECT lease_owner::text, lease_id::text FROM generation_queue")
        assert late["lease_owner"] == str(me.id)
        await worker.turn()
        await asyncio.sleep(0)
        assert generator.leases and generator.leases != [late["lease_id"]]

    asyncio.run(take_two_turns())
    assert psql.row("SELECT status, attempts FROM courses") == {"status": "GENERATING", "attempts": 1}
