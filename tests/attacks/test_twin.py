"""Two processes with the id of one worker, as a copy of a running container makes them."""

import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from src.domain.errors import TwinFound
from tests.conftest import Workers
from tests.peers import Peer
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream

pytestmark = pytest.mark.attack

# Gives a worker process the id that the environment names, and leaves every other id to chance.
SAME_ID = """
import os, sys, uuid
chance = uuid.uuid4
def uuid4():
    is_workers = sys._getframe(1).f_globals.get("__name__") == "src.worker"
    return uuid.UUID(os.environ["SAME_ID"]) if is_workers else chance()
uuid.uuid4 = uuid4
"""


def cloned(peer: Peer) -> Peer:
    """A copy of a worker with everything that it remembers."""
    twin = copy.copy(peer)
    twin.registry = copy.copy(peer.registry)
    twin.registry.membership = copy.deepcopy(peer.registry.membership)
    return twin


@pytest.fixture
def pair(peer: Callable[..., Peer]) -> tuple[Peer, Peer]:
    first = peer()
    return first, cloned(first)


def test_the_one_that_beats_second_is_told_and_gets_no_course(
    psql: Psql, pair: tuple[Peer, Peer], queue_course: Callable[..., str]
) -> None:
    winner, loser = pair
    winner.beat()
    with pytest.raises(TwinFound, match="start a new one instead of a copy"):
        loser.beat()
    queue_course()
    assert loser.claim() == []
    assert len(winner.claim()) == 1
    asyncio.run(loser.registry.remove())
    assert psql.value("SELECT count(*) FROM workers") == 1
    winner.beat()


def test_what_both_hold_when_they_part_is_adopted_by_one_of_them_alone(
    pair: tuple[Peer, Peer], queue_course: Callable[..., str]
) -> None:
    winner, loser = pair
    for _ in range(2):
        queue_course()
    winners, losers = winner.claim_one(), loser.claim_one()
    # Neither takes the other's for one whose claim it has missed.
    assert winner.claim(known=(winners.lease_id,)) == loser.claim(known=(losers.lease_id,)) == []
    winner.beat()
    (adopted,) = winner.claim(known=(winners.lease_id,))
    assert adopted.course_id == losers.course_id
    assert loser.claim(known=(losers.lease_id,)) == []


def test_what_a_copy_claims_while_the_other_looks_for_courses_is_not_adopted(
    psql: Psql, pair: tuple[Peer, Peer], queue_course: Callable[..., str]
) -> None:
    first, copied = pair
    queue_course()
    copied.claim_one()
    # As the other one sees it if its transaction began before: claimed after its now().
    psql.run("UPDATE generation_queue SET leased_at = now() + interval '30 s'")
    assert first.claim() == []


def test_a_beat_whose_confirmation_was_lost_makes_no_twin(psql: Psql, peer: Callable[..., Peer]) -> None:
    worker = peer()
    membership = worker.registry.membership
    psql.run(f"UPDATE workers SET token = '{membership.next_token()}'")  # it was committed, and nobody heard of it
    worker.beat()
    worker.beat()


def test_a_row_that_was_deleted_is_made_again(psql: Psql, peer: Callable[..., Peer]) -> None:
    worker = peer()
    psql.run("DELETE FROM workers")
    worker.beat()
    assert psql.value("SELECT count(*) FROM workers") == 1


def test_a_second_process_with_the_id_of_another_stops_loudly_before_it_takes_any_course(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, tmp_path: Path, user_id: str
) -> None:
    (tmp_path / "same").mkdir()
    (tmp_path / "same" / "sitecustomize.py").write_text(SAME_ID)
    same = {"SAME_ID": str(uuid4()), "PYTHONPATH": str(tmp_path / "same")}
    first = workers.start(**same)
    for number in range(6):
        upstream.request(user_id, topic=f"Cells {number}", num_lessons=2)
    twin = workers.launch(**same)
    assert twin.wait() == 3
    assert same["SAME_ID"] in twin.wait_for("twin_found")["event"]
    assert {received.fields["status"] for received in upstream.results(6)} == {"success"}
    assert stand_in.stats()["calls"] == 6 * 3
    assert psql.value("SELECT max(attempts) FROM courses") == 1
    assert not first.ended
    assert first.stop() == 0
