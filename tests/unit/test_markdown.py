import pytest

from src.domain.markdown import course_markdown, lesson_markdown
from src.domain.source import Passage
from tests.lessons import BRIEF, PLAN, lesson

CONTENT = lesson().content_json()


def test_a_lesson() -> None:
    assert lesson_markdown(CONTENT).splitlines() == [
        "# Lesson 1: The Cell",
        "",
        "What a cell is.",
        "",
        "## Learning Objectives",
        "",
        "- Describe a cell",
        "- Name its parts",
        "",
        "## Introduction",
        "",
        CONTENT["sections"][0]["content"],
        "",
        "## Cells",
        "",
        CONTENT["sections"][1]["content"],
        "",
        "## Parts of a Cell",
        "",
        CONTENT["sections"][2]["content"],
        "",
        "## Key Terms",
        "",
        "- **cell**: The smallest unit of life.",
        "",
        "## Real-World Applications",
        "",
        CONTENT["sections"][4]["content"],
        "",
        "## Summary",
        "",
        CONTENT["sections"][5]["content"],
        "",
        "## Check Your Understanding",
        "",
        "1. What is a cell?",
        "   - A. A star",
        "   - B. A unit of life",
        "   - C. A rock",
        "2. Which part keeps the cell together?",
        "3. All plants are made of cells.",
        "   - A. True",
        "   - B. False",
        "",
        "### Answer Key",
        "",
        "1. **B. A unit of life** The lesson says that a cell is a unit of life.",
        "2. **The membrane keeps it together.** The membrane is around all the other parts.",
        "3. **A. True** Plants are named in that sentence.",
        "",
        "## Sources",
        "",
        "[1] b.md: “a cell is a unit of life”  ",
        "[2] a.md › Living Things: “Plants and animals, all of them, are made of cells.”  ",
        "[3] a.md › Living Things: “Some have one cell alone, others more than there are people.”  ",
        "[4] b.md: “Its parts are kept together by a thin membrane.”  ",
        "[5] b.md: “The membrane lets food in and keeps out what would do harm”  ",
        "",
        "*Written by the model: a-model*",
    ]


@pytest.mark.parametrize(
    ("language", "title", "summary"),
    [
        ("de-AT", "# Lektion 1: The Cell", "## Zusammenfassung"),
        ("hi", "# पाठ 1: The Cell", "## सारांश"),
        ("ar", "# الدرس 1: The Cell", "## الملخص"),
        ("sw", "# Lesson 1: The Cell", "## Summary"),
    ],
)
def test_what_the_worker_writes_itself_is_in_the_language_of_the_lesson(
    language: str, title: str, summary: str
) -> None:
    brief = BRIEF.model_copy(update={"language": language})
    lines = lesson_markdown(lesson(brief=brief).content_json()).splitlines()
    assert lines[0] == title
    assert summary in lines


def test_what_a_source_says_is_shown_and_not_obeyed() -> None:
    passage = Passage("a<b>.md", "<i>", "Beware: <script>alert(1)</script> is what a cell is a unit of.", 1.0)
    markdown = lesson_markdown(
        lesson(
            passages=[passage],
            citations=[{"number": 1, "passage": 1, "quote": "<script>alert(1)</script> is what a cell is"}],
        ).content_json()
    )
    assert "&lt;script>alert(1)&lt;/script>" in markdown
    assert "<script" not in markdown and "<i>" not in markdown and "<b>" not in markdown


def test_a_lesson_that_another_program_stored_has_what_it_has() -> None:
    content = {"lesson_number": 2, "title": "T", "sections": [{"heading": "H", "content": "C"}]}
    assert lesson_markdown(content, level=2) == "## Lesson 2: T\n\n### H\n\nC\n"


def test_a_lesson_without_sources_says_so() -> None:
    assert "rests on no source documents" in lesson_markdown(lesson(passages=[], citations=[]).content_json())


def test_what_was_asked_for_is_shown_and_not_obeyed() -> None:
    hostile = "<img src=x onerror=alert(1)> ![p](http://evil.example/p.png)"
    metadata = {"title": hostile, "topic": hostile, "grade_level": hostile, "total_lessons": 1, "language": "en"}
    plan = {**PLAN, "title": hostile, "description": hostile, "learning_objectives": [hostile, hostile]}
    markdown = course_markdown(
        {
            "metadata": metadata,
            "outline": {"description": hostile},
            "lessons": [{"lesson_info": plan, "content": {**CONTENT, **plan}, "sources": [hostile]}],
            "all_sources": [hostile],
        }
    )
    assert "<img" not in markdown and "![" not in markdown


def test_a_lesson_from_before_there_were_citations_lists_its_sources() -> None:
    markdown = lesson_markdown({"lesson_number": 1, "title": "T", "sources": ["a.md", "b.md"]})
    assert markdown.endswith("## Sources\n\n- a.md\n- b.md\n")


def test_a_course_puts_its_lessons_one_level_down() -> None:
    markdown = course_markdown(
        {
            "metadata": {"title": "Cells", "topic": "Cell Biology", "grade_level": "Grade 8", "total_lessons": 1},
            "outline": {"description": "About cells."},
            "lessons": [{"lesson_info": PLAN, "content": CONTENT, "sources": ["b.md", "a.md"]}],
            "all_sources": ["a.md", "c.md"],
        }
    )
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert headings[:4] == ["# Cells", "## Contents", "## Lesson 1: The Cell", "### Learning Objectives"]
    assert headings[-1] == "## All Sources"
    assert "1. The Cell" in markdown
    assert markdown.endswith("## All Sources\n\n- a.md (cited in lesson 1)\n- c.md\n")
