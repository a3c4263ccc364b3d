"""A course against every server of the zoo: what each behaviour comes to."""

import pytest
import structlog

from src.domain.course import Failed, Finished, Outcome, Postponed
from src.operations.known_schema import ROOT
from tests.integration.test_course_generator import Memory, claim, generate
from tests.zoo import BEHAVIOURS, Behaviour, Zoo


def ending(outcome: Outcome) -> tuple[str, str]:
    """How a course ends, in the words of the zoo, and the reason that is given."""
    match outcome:
        case Finished():
            return "READY", ""
        case Failed(code, message):
            return f"FAILED {code}", message
        case Postponed(message, stop="setting" | "unknown"):
            return "STOPS", message
        case Postponed(message):
            return "WAITS", message
        case _:
            return str(outcome), ""


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_a_course_against_a_server_that(behaviour: Behaviour) -> None:
    memory = Memory()
    settings = {"deadline": 4, "timeout": 4, **dict(behaviour.settings)}
    with Zoo(behaviour) as zoo, structlog.testing.capture_logs() as logged:
        outcome, calls = generate(zoo, claim({"num_lessons": 2}), memory, **settings)
    ends, reason = ending(outcome)
    assert (ends, behaviour.outcome.says in reason) == (behaviour.outcome.ends, True), outcome
    said = [call.outcome for call in (*memory.calls, *calls)]
    said += [f"settings: {line['settings']}" for line in logged if line["action"] == "model_adapted"]
    assert any(behaviour.outcome.note in line for line in said), said


def test_how_many_passages_were_left_out_is_on_record_with_the_lesson() -> None:
    (small,) = (behaviour for behaviour in BEHAVIOURS if behaviour.name == "has a context of 4096 tokens")
    memory = Memory()
    with Zoo(small) as zoo:
        generate(zoo, claim({"num_lessons": 2}), memory)
    for lesson in memory.lessons.values():
        quality = lesson.quality.as_json()
        assert quality["passages_left_out"] > 0
        assert quality["passages"] + quality["passages_left_out"] == 8
    assert zoo.asked[-1]["max_completion_tokens"] < 4096  # it is known by then


def test_no_two_behaviours_have_one_name() -> None:
    assert len({behaviour.name for behaviour in BEHAVIOURS}) == len(BEHAVIOURS)


def test_the_document_lists_every_behaviour_with_its_outcome_and_no_other() -> None:
    document = (ROOT / "docs" / "models.md").read_text()
    table = document.split("| a server that … | as | a course is |\n|---|---|---|\n")[1].split("\n\n")[0]
    rows = [f"| {behaviour.name} | {behaviour.imitates} | {behaviour.outcome} |" for behaviour in BEHAVIOURS]
    assert table.splitlines() == rows
