"""Lessons with formulas whose backslashes a model didn't escape, or escaped twice: what is stored."""

import json
from typing import Any

import pytest

from src.domain.course import Finished
from src.domain.markdown import lesson_markdown
from src.domain.stored_course import stored_lesson
from tests.integration.test_course_generator import Memory, claim, generate
from tests.latex import doubly, rightly, singly
from tests.stand_in import StandIn

FORMULA = r"$2 \times 3 \neq \rho$, $\alpha = \frac{\beta}{2}$ and \(x \to 0\)"
_MARK = "FORMULA"


def completion(content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}


@pytest.fixture
def lesson(stand_in: StandIn) -> str:
    """A good lesson as JSON, with a mark where a formula goes."""
    memory = Memory()
    generate(stand_in, claim(), memory)
    text = memory.lessons[2].text
    marked = text.model_copy(update={"applications": f"{text.applications} So {_MARK} holds."})
    return marked.model_dump_json()


@pytest.mark.parametrize("escaped", [singly, rightly, doubly])
def test_formulas_are_stored_as_they_were_meant_however_they_are_escaped(
    stand_in: StandIn, lesson: str, escaped: Any
) -> None:
    stand_in.fault("overwrite", lesson=2, fields=completion(lesson.replace(_MARK, escaped(FORMULA)[1:-1])))
    memory = Memory()
    outcome, _ = generate(stand_in, claim(), memory)
    assert outcome == Finished()
    assert [call.outcome for call in memory.calls if call.lesson_number == 2] == [
        "ok" if escaped is rightly else "ok; mended: backslashes"
    ]
    assert FORMULA in lesson_markdown(stored_lesson(memory.lessons[2]))


def test_the_parts_that_a_repair_sends_are_read_in_the_same_way(stand_in: StandIn, lesson: str) -> None:
    applications = json.loads(lesson)["applications"]
    parts = {"introduction": None, "sections": [], "key_terms": [], "applications": applications, "summary": None}
    sent = json.dumps({**parts, "checks": [], "citations": []}).replace(_MARK, singly(FORMULA)[1:-1])
    stand_in.fault("overwrite", lesson=2, fields=completion(lesson.replace(_MARK, "<b>it</b>")))
    stand_in.fault("overwrite", lesson=2, fields=completion(sent))
    memory = Memory()
    assert generate(stand_in, claim(), memory)[0] == Finished()
    assert FORMULA in memory.lessons[2].text.applications


def test_a_control_character_that_stays_is_asked_about(stand_in: StandIn, lesson: str) -> None:
    stand_in.fault("overwrite", lesson=2, fields=completion(lesson.replace(_MARK, r"$\frak2$ and \fract")))
    memory = Memory()
    assert generate(stand_in, claim(), memory)[0] == Finished()
    wrong, _ = [call.outcome for call in memory.calls if call.lesson_number == 2]
    assert "JSON writes the backslash of a formula twice" in wrong
