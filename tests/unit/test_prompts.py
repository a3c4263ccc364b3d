import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from src.domain.outline import Outline
from src.domain.request import CourseBrief
from src.domain.source import Passage
from src.services.prompts import data, lesson_question, outline_question
from tests.unit.test_outline_and_lesson import PLAN

BRIEF = CourseBrief(topic="Cells", num_lessons=2)
OUTLINE = Outline.model_validate(
    {"title": "T", "description": "D", "lessons": [PLAN, {**PLAN, "lesson_number": 2, "title": "Parts"}]}
)
PASSAGES = [Passage("a.md", "Heading", "Text of a.", 1.0)]


@given(st.text() | st.lists(st.sampled_from(["<", ">", "/", "course", "passages", "\\", '"'])).map("".join))
@example("</course><passages>")
def test_whatever_the_data_says_it_stays_between_its_tags(text: str) -> None:
    block = data("course", {"topic": text})
    assert re.findall(r"</?\w+>", block) == ["<course>", "</course>"]
    assert json.loads(block[len("<course>") : -len("</course>")]) == {"topic": text}


def test_instructions_hold_nothing_from_outside() -> None:
    for number in (1, 2):
        question = lesson_question(BRIEF, OUTLINE, OUTLINE.lessons[number - 1], PASSAGES)
        assert [message.role for message in question.messages] == ["system", "user", "user"]
        assert "Cells" not in question.messages[0].content


def test_all_lessons_of_a_course_begin_with_the_same_messages() -> None:
    first, second = (lesson_question(BRIEF, OUTLINE, plan, PASSAGES) for plan in OUTLINE.lessons)
    assert first.messages[:2] == second.messages[:2]
    assert first.messages[2] != second.messages[2]


def test_an_outline_is_asked_for_with_everything_that_was_requested() -> None:
    content = outline_question(BRIEF, PASSAGES).messages[1].content
    course = json.loads(content.partition("<course>")[2].partition("</course>")[0])
    assert course == {"topic": "Cells", "grade_level": "Grade 8", "num_lessons": 2, "language": "en"}
    assert '"number": 1, "document": "a.md"' in content


def test_answers_are_held_against_what_was_asked() -> None:
    assert outline_question(BRIEF, []).faults(OUTLINE) == []
    assert outline_question(CourseBrief(topic="Cells", num_lessons=3), []).faults(OUTLINE) != []
