"""The audit of a chaos run finds what it looks for."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.chaos.audit import Finding, Found, Observed, audit
from tests.chaos.traffic import Heard, Sent


def sent(number: int, **changes: Any) -> Sent:
    fields = {"request_id": f"r-{number}", "topic": f"Cells {number}", "num_lessons": 2}
    fields |= changes.pop("fields", {})
    one = Sent(fields, json.dumps(fields).encode(), valid=True, reply_as=None, copies=1, tries=1, confirmed=1)
    return replace(one, **changes)


def heard(status: str, number: int, message_id: str = "m", **fields: Any) -> Heard:
    content = {"status": status, "course_id": f"c-{number}", **fields}
    return Heard(f"{message_id}-{number}-{status}", f"r-{number}", json.dumps(content).encode())


@dataclass
class Run:
    """Two courses and an invalid request, all as they should be."""

    sent: list[Sent]
    status: list[Heard]
    replies: list[Heard]
    dead: list[Heard]
    found: Found
    observed: Observed

    def broken(self) -> set[str]:
        findings: list[Finding] = audit(self.sent, self.status, self.replies, self.dead, self.found, self.observed)
        return {finding.what for finding in findings if finding.bad}


@pytest.fixture
def run() -> Run:
    courses = [
        {
            "id": f"c-{number}",
            "status": "READY",
            "error_code": None,
            "request_id": f"r-{number}",
            "topic": f"Cells {number}",
            "total_lessons": 2,
            "lessons": [1, 2],
        }
        for number in (1, 2)
    ]
    invalid = sent(3, valid=False)
    return Run(
        sent=[sent(1), sent(2, reply_as="mine"), invalid],
        status=[
            *(heard("processing", number) for number in (1, 2)),
            *(heard("success", number, stored_in="database") for number in (1, 2, 2)),
            Heard("m-3", "r-3", b'{"status": "error", "course_id": null, "error_code": "invalid_request"}'),
        ],
        replies=[Heard("m-2-success", "mine", b"{}")],
        dead=[Heard("m", "r-3", invalid.body)],
        found=Found(
            courses=courses,
            unpublished=0,
            queued=0,
            ok_calls_twice=[],
            recorded_calls=6,
            folders={"c-1": 2, "c-2": 2},
            unimported=[],
            model_calls=7,
            faulted_calls=0,
        ),
        observed=Observed(open_at_troubles=1, samples=10),
    )


def test_a_run_that_went_well_has_no_fault(run: Run) -> None:
    assert run.broken() == set()


def lose_a_course(run: Run) -> None:
    del run.found.courses[0]


def double_a_course(run: Run) -> None:
    run.found.courses.append({**run.found.courses[0], "id": "c-9"})


def gap(run: Run) -> None:
    run.found.courses[0]["lessons"] = [2]


def give_up(run: Run) -> None:
    run.found.courses[0].update(status="FAILED", error_code="attempts_exhausted")


def another_result(run: Run) -> None:
    run.status.append(heard("success", 1, "another", stored_in="files"))


def grow(run: Run) -> None:
    run.observed.memory["17"] = [100] * 100 + [200] * 100


@pytest.mark.parametrize(
    ("break_it", "finding"),
    [
        (lose_a_course, "requests that were lost"),
        (double_a_course, "requests with two courses"),
        (lambda run: run.sent.pop(0), "courses that nobody asked for"),
        (give_up, "courses"),
        (gap, "courses with a lesson missing or doubled"),
        (lambda run: run.status.pop(2), "courses without a result"),
        (lambda run: run.status.append(heard("success", 8)), "results without a course"),
        (another_result, "courses with two results"),
        (lambda run: run.status.pop(0), "courses that were never announced"),
        (lambda run: run.status.pop(), "invalid requests without an error"),
        (lambda run: run.dead.clear(), "invalid requests not dead-lettered"),
        (lambda run: run.dead.append(Heard("m", None, run.sent[0].body)), "valid requests dead-lettered"),
        (lambda run: run.replies.clear(), "replies"),
        (lambda run: run.found.folders.update({"c-1": 1}), "folders"),
        (lambda run: run.found.folders.update({"c-9": 1}), "folders of no course"),
        (lambda run: run.found.unimported.append("c-1"), "courses not imported"),
        (lambda run: run.found.ok_calls_twice.append("c-1 outline"), "saved and paid again"),
        (lambda run: setattr(run.found, "model_calls", 8), "calls lost with their worker"),
        (lambda run: setattr(run.found, "unpublished", 1), "left open"),
        (lambda run: run.observed.died.append("17"), "workers that ended otherwise"),
        (lambda run: setattr(run.observed, "idle_in_transaction", 1), "idle in transaction"),
        (lambda run: setattr(run.observed, "samples", 0), "idle in transaction"),
        (grow, "memory"),
    ],
)
def test_each_kind_of_fault_is_found(run: Run, break_it: Callable[[Run], object], finding: str) -> None:
    break_it(run)
    assert finding in run.broken()


def test_a_long_run_in_which_no_worker_could_be_judged_by_its_memory_says_so(run: Run) -> None:
    run.observed.memory = {"17": [100] * 50}
    run.observed.samples = 100
    assert run.broken() == set()
    run.observed.samples = 2000
    assert run.broken() == {"memory"}
