"""What became of everything: pure, from what was sent, heard, and found in the end."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.traffic import Heard, Sent

# A course may fail of its model alone: two answers in a row that are cut off, or wrong also after repair.
_HONEST_FAILURES = frozenset({"model_output_invalid"})
# A worker that lives on has its memory at the end compared with what it had when it had warmed up. In a long run there
# must be some that do.
_LEAST_SAMPLES = 120
_LONG_RUN = 600
_MOST_GROWTH = 1.3


@dataclass
class Found:
    """The state of things after the last course has ended and all workers have stopped."""

    courses: list[dict[str, Any]]
    """Rows of `courses`, with `lessons`: the numbers of those in SQL, in order."""
    unpublished: int
    queued: int
    ok_calls_twice: list[str]
    """Lessons and outlines with more than one good answer on record."""
    recorded_calls: int
    folders: dict[str, int]
    """The id of the course in each mirrored folder, and how many lessons its file has."""
    unimported: list[str]
    model_calls: int
    faulted_calls: int


@dataclass
class Observed:
    """What was seen while it ran."""

    troubles: Counter[str] = field(default_factory=Counter)
    open_at_troubles: int = 0
    """Calls that were open when a worker was killed or suspended, or made while the database was away."""
    idle_in_transaction: int = 0
    """Samples in which a transaction was idle that its worker had no reason to keep open."""
    samples: int = 0
    memory: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Bytes by worker, a sample each second."""
    died: list[str] = field(default_factory=list)
    """Workers that ended otherwise than they were told to."""
    unended: bool = False
    """Something was still open when waiting for it was given up."""


@dataclass(frozen=True)
class Finding:
    """One line of the audit. `bad` names what broke a promise."""

    what: str
    figure: str
    bad: tuple[str, ...] = ()


def audit(sent: Sequence[Sent], status: Sequence[Heard], replies: Sequence[Heard], dead: Sequence[Heard],
          found: Found, observed: Observed) -> list[Finding]:  # fmt: skip
    """All findings, in the order in which they are shown."""
    return [
        *_requests(sent, found.courses),
        *_courses(found.courses),
        *_results(status, found.courses),
        *_answers(sent, status, replies, dead),
        *_files(found),
        *_calls(found, observed),
        *_process(observed, found),
    ]


def _requests(sent: Sequence[Sent], courses: Sequence[Mapping[str, Any]]) -> Iterable[Finding]:
    valid = [one for one in sent if one.valid]
    made = Counter(str(course["topic"]) for course in courses)
    again = sum(one.tries - 1 for one in sent)
    yield Finding("requests sent", f"{len(sent)}, {again} of them again, {len(sent) - len(valid)} invalid")
    yield Finding("requests that were lost", "", tuple(one.topic for one in valid if made[one.topic] == 0))
    # Without an id of its own, a request that was sent twice is two requests.
    most = {one.topic: 1 if one.request_id else one.tries for one in valid}
    yield Finding("requests with two courses", "", tuple(topic for topic, most in most.items() if made[topic] > most))
    yield Finding("courses that nobody asked for", "", tuple(topic for topic in made if topic not in most))


def _courses(courses: Sequence[Mapping[str, Any]]) -> Iterable[Finding]:
    by_end = Counter(f"{course['status']} {course['error_code'] or ''}".strip() for course in courses)
    figure = ", ".join(f"{number} {end}" for end, number in sorted(by_end.items(), reverse=True))
    odd = (course for course in courses if course["status"] != "READY" and course["error_code"] not in _HONEST_FAILURES)
    yield Finding(
        "courses", figure, tuple(f"{course['id']} {course['status']} {course['error_code']}" for course in odd)
    )
    gaps = (
        course
        for course in courses
        if course["status"] == "READY" and course["lessons"] != list(range(1, course["total_lessons"] + 1))
    )
    yield Finding("courses with a lesson missing or doubled", "", tuple(f"{c['id']} {c['lessons']}" for c in gaps))


def _results(status: Sequence[Heard], courses: Sequence[Mapping[str, Any]]) -> Iterable[Finding]:
    ids: dict[str, set[str | None]] = defaultdict(set)
    started: set[str] = set()
    by_files = heard = 0
    for message in status:
        fields = message.fields
        if fields["status"] == "processing":
            started.add(fields["course_id"])
        elif fields["course_id"] is not None:
            heard += 1
            by_files += fields.get("stored_in") == "files"
            ids[fields["course_id"]].add(message.message_id)
    ended = {str(course["id"]) for course in courses}
    distinct = sum(len(each) for each in ids.values())
    yield Finding("results", f"{distinct}, {by_files} from files only, {heard - distinct} heard again")
    yield Finding("courses without a result", "", tuple(sorted(ended - ids.keys())))
    yield Finding("results without a course", "", tuple(sorted(ids.keys() - ended)))
    yield Finding("courses with two results", "", tuple(key for key, each in ids.items() if len(each) > 1))
    yield Finding("courses that were never announced", "", tuple(sorted(ended - started)))


def _answers(sent: Sequence[Sent], status: Sequence[Heard], replies: Sequence[Heard],
             dead: Sequence[Heard]) -> Iterable[Finding]:  # fmt: skip
    refused = {message.correlation_id for message in status if message.fields.get("error_code") == "invalid_request"}
    buried = {message.body for message in dead}
    invalid = [one for one in sent if not one.valid]
    yield Finding(
        "invalid requests without an error", "", tuple(o.topic for o in invalid if o.request_id not in refused)
    )
    yield Finding("invalid requests not dead-lettered", "", tuple(o.topic for o in invalid if o.body not in buried))
    good = {one.body for one in sent if one.valid}
    yield Finding("valid requests dead-lettered", "", tuple(body.decode() for body in buried & good))
    answered = {message.correlation_id for message in replies}
    wanted = [one for one in sent if one.reply_as is not None]
    missing = tuple(one.topic for one in wanted if one.reply_as not in answered)
    yield Finding("replies", f"{len(replies)} to {len(wanted)} requests", missing)


def _files(found: Found) -> Iterable[Finding]:
    ready = {str(course["id"]): course["total_lessons"] for course in found.courses if course["status"] == "READY"}
    wrong = tuple(course for course, lessons in ready.items() if found.folders.get(course) != lessons)
    yield Finding("folders", f"{len(found.folders)} for {len(ready)} courses READY", wrong)
    yield Finding("folders of no course", "", tuple(found.folders.keys() - ready.keys()))
    yield Finding("courses not imported", "", tuple(found.unimported))


def _calls(found: Found, observed: Observed) -> Iterable[Finding]:
    needed = sum(1 + len(course["lessons"]) for course in found.courses)
    yield Finding(
        "calls to the model", f"{found.model_calls}, {needed} needed, {found.faulted_calls} went wrong on purpose"
    )
    yield Finding("saved and paid again", "", tuple(found.ok_calls_twice))
    lost = found.model_calls - found.recorded_calls
    most = observed.open_at_troubles
    too_many = (f"{lost} calls were lost",) if lost > most else ()
    yield Finding("calls lost with their worker", f"{lost}, {most} were open at a kill or made in an outage", too_many)


def _process(observed: Observed, found: Found) -> Iterable[Finding]:
    done = ", ".join(f"{number} {what}" for what, number in observed.troubles.most_common())
    yield Finding("trouble", done)
    open_things = f"{found.unpublished} messages, {found.queued} courses"
    left = (open_things,) if found.unpublished or found.queued or observed.unended else ()
    yield Finding("left open", open_things, left)
    yield Finding("workers that ended otherwise", "", tuple(observed.died))
    idle = observed.idle_in_transaction
    bad = (f"{idle} samples",) if idle or not observed.samples else ()
    yield Finding("idle in transaction", f"{idle} of {observed.samples} samples", bad)
    grown, shown = [], []
    for worker, samples in observed.memory.items():
        if len(samples) < _LEAST_SAMPLES:
            continue
        quarter = len(samples) // 4
        early, late = statistics.median(samples[quarter : 2 * quarter]), statistics.median(samples[-quarter:])
        shown.append(f"{early / 2**20:.0f} to {late / 2**20:.0f} MB in {len(samples)} s")
        if late > _MOST_GROWTH * early:
            grown.append(f"{worker}: {early / 2**20:.0f} to {late / 2**20:.0f} MB")
    if not shown and observed.samples >= _LONG_RUN:
        grown.append("no worker lived for long enough to be judged")
    yield Finding("memory", "; ".join(shown) or "no worker lived for long enough", tuple(grown))
