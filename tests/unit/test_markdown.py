from dataclasses import replace
from typing import Any

import pytest

from src.domain.foreign_course import foreign_lesson
from src.domain.markdown import course_markdown, lesson_markdown
from src.domain.source import Passage
from src.domain.stored_course import StoredCheck, StoredLesson
from tests.lessons import BRIEF, PASSAGES, course, stored

LESSON = stored()


def with_changes(**changes: Any) -> StoredLesson:
    """The lesson with other values for some of its fields."""
    return LESSON.model_copy(update=changes)


def test_a_lesson() -> None:
    assert lesson_markdown(LESSON).splitlines() == [
        "# Lesson 1: The Cell",
        "",
        "What a cell is.",
        "",
        "## Learning Objectives",
        "",
        "1. Describe a cell",
        "2. Name its parts",
        "",
        "## Introduction",
        "",
        LESSON.sections[0].content,
        "",
        "## Cells",
        "",
        LESSON.sections[1].content,
        "",
        "## Parts of a Cell",
        "",
        LESSON.sections[2].content,
        "",
        "## Key Terms",
        "",
        "- **cell**: The smallest unit of life.",
        "",
        "## Real-World Applications",
        "",
        LESSON.sections[4].content,
        "",
        "## Summary",
        "",
        LESSON.sections[5].content,
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
        "## Sources",
        "",
        "[1] b.md: “a cell is a unit of life”  ",
        "[2] Living Things (a.md): “Plants and animals, all of them, are made of cells.”  ",
        "[3] Living Things (a.md): “Some have one cell alone, others more than there are people.”  ",
        "[4] b.md: “Its parts are kept together by a thin membrane.”  ",
        "[5] b.md: “The membrane lets food in and keeps out what would do harm”  ",
        "",
        "*Written by the model: a-model*",
        "",
        "## Answer Key",
        "",
        "1. **B. A unit of life** – The lesson says that a cell is a unit of life.",
        "   - Objective 1: Describe a cell · Source: [1]",
        "2. **The membrane keeps it together.** – The membrane is around all the other parts.",
        "   - Objective 2: Name its parts · Source: [4]",
        "3. **A. True** – Plants are named in that sentence.",
        "   - Objective 1: Describe a cell · Source: [2]",
    ]


def test_a_learner_who_is_given_a_course_up_to_its_answer_key_has_all_of_it_but_the_answers() -> None:
    markdown = course_markdown(course(LESSON, with_changes(lesson_number=2, title="More")))
    page, _, key = markdown.partition("## Answer Key\n")
    assert page.count("### Check Your Understanding") == 2 and "## All Sources" in page
    for check in LESSON.checks:
        assert check.explanation and check.explanation not in page
        assert page.count(check.question) == 2
    lessons = [line for line in key.splitlines() if line.startswith("#")]
    assert lessons == ["### Lesson 1: The Cell", "### Lesson 2: More"]
    assert key.count("**B. A unit of life**") == 2


@pytest.mark.parametrize(
    "check",
    [
        {"question": "Q?", "answer": "A"},
        {"question": "Q?", "answer": "A", "objective": 9, "citation": 9},
        {"question": "Q?", "answer": "A", "objective": "Describe a cell", "citation": [1]},
    ],
)
def test_a_question_of_another_program_is_said_to_test_and_rest_on_what_is_there_alone(check: dict[str, Any]) -> None:
    given = {**LESSON.model_dump(), "checks": [check]}
    assert lesson_markdown(foreign_lesson(given)).endswith("## Answer Key\n\n1. **A**\n")


def test_an_answer_of_several_lines_stays_in_its_item() -> None:
    check = StoredCheck(question="Q?", answer="A", explanation="First:\n\n- this\n- that")
    assert lesson_markdown(with_changes(checks=[check])).endswith("1. **A** – First:\n   \n   - this\n   - that\n")


@pytest.mark.parametrize(
    ("language", "quoted"), [("en", "“a cell"), ("de", "„a cell"), ("hi", "“a cell"), ("ar", "«a cell"), ("sw", "“a")]
)
def test_quotation_marks_are_those_of_the_language(language: str, quoted: str) -> None:
    assert f"[1] b.md: {quoted}" in lesson_markdown(with_changes(language=language))


@pytest.mark.parametrize(
    ("title", "section", "shown"),
    [
        ("Cell Division", "Mitosis", "Cell Division › Mitosis (bio/03.md)"),
        ("Cell Division", "", "Cell Division (bio/03.md)"),
        ("Mitosis", "Mitosis", "Mitosis (bio/03.md)"),
        ("", "Mitosis", "Mitosis (bio/03.md)"),
        (" ", "", "bio/03.md"),
        (None, "", "bio/03.md"),
        ("a\nb", "<i>", "a b › &lt;i> (bio/03.md)"),
    ],
)
def test_a_reference_names_its_document_as_far_as_it_is_known(title: object, section: str, shown: str) -> None:
    cited = {**LESSON.model_dump()["references"][0], "document": "bio/03.md", "section": section, "title": title}
    assert f"\n[1] {shown}: “" in lesson_markdown(foreign_lesson({**LESSON.model_dump(), "references": [cited]}))


def test_the_title_that_the_library_knows_reaches_the_page() -> None:
    passages = [replace(PASSAGES[0], title="All Life"), PASSAGES[1]]
    titled = stored(passages=passages)
    assert "\n[2] All Life › Living Things (a.md): “Plants" in lesson_markdown(titled)
    assert "\n- All Life (a.md) – cited in lesson 1\n" in course_markdown(course(titled))


@pytest.mark.parametrize(
    ("language", "grade_level", "line"),
    [
        ("en", "Grade 8", "*Cells · Grade 8 · 1 lesson*"),
        ("de", "Grade 8", "*Cells · Klasse 8 · 1 Lektion*"),
        ("hi", "grade 10", "*Cells · कक्षा 10 · 1 पाठ*"),
        ("ar", "Grade 8", "*Cells · الصف 8 · درس واحد*"),
        ("ar", "kindergarten", "*Cells · الروضة · درس واحد*"),
        ("de", "Adults, Grade 8 or so", "*Cells · Adults, Grade 8 or so · 1 Lektion*"),
        ("sw", "Darasa la 8", "*Cells · Darasa la 8 · 1 lesson*"),
    ],
)
def test_a_grade_that_is_known_is_translated_and_one_lesson_is_one(language: str, grade_level: str, line: str) -> None:
    whole = course(LESSON, language=language, grade_level=grade_level)
    assert course_markdown(whole).splitlines()[2] == line


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
    lines = lesson_markdown(stored(brief=brief)).splitlines()
    assert lines[0] == title
    assert summary in lines


def test_what_a_source_says_is_shown_and_not_obeyed() -> None:
    passage = Passage("a<b>.md", "<i>", "Beware: <script>alert(1)</script> is what a cell is a unit of.", 1.0)
    markdown = lesson_markdown(
        stored(
            passages=[passage],
            citations=[{"number": 1, "passage": 1, "quote": "<script>alert(1)</script> is what a cell is"}],
        )
    )
    assert "&lt;script>alert(1)&lt;/script>" in markdown
    assert "<script" not in markdown and "<i>" not in markdown and "<b>" not in markdown


def test_a_lesson_that_another_program_stored_has_what_it_has() -> None:
    content = {"lesson_number": 2, "title": "T", "sections": [{"heading": "H", "content": "C"}]}
    assert lesson_markdown(foreign_lesson(content)) == "# Lesson 2: T\n\n## H\n\nC\n"


def test_a_lesson_that_another_program_stored_as_a_text_is_that_text() -> None:
    plain = StoredLesson(lesson_number=2, title="T", content_md="My own *words*.")
    assert lesson_markdown(plain) == "My own *words*."
    assert "\n## Lesson 2: T\n\nMy own *words*.\n" in course_markdown(course(LESSON, plain))


def test_a_lesson_without_sources_says_so() -> None:
    assert "rests on no source documents" in lesson_markdown(stored(passages=[], citations=[]))


def test_what_was_asked_for_is_shown_and_not_obeyed() -> None:
    hostile = "<img src=x onerror=alert(1)> ![p](http://evil.example/p.png)"
    asked = {"title": hostile, "topic": hostile, "grade_level": hostile, "outline": {"description": hostile}}
    plan = {"title": hostile, "description": hostile, "learning_objectives": (hostile, hostile)}
    markdown = course_markdown(course(with_changes(**plan, sources=(hostile,)), **asked, sources=[hostile]))
    assert "<img" not in markdown and "![" not in markdown


def test_formulas_reach_the_page_as_they_are() -> None:
    formula = r"$\alpha_1 \times \{a*b*c\} \\ \text{a\_b}$"
    part = LESSON.sections[0].model_copy(update={"heading": formula, "content": f"So {formula} holds."})
    markdown = lesson_markdown(with_changes(title=f"{formula} $a<b$ <b>", sections=(part,)))
    assert markdown.count(formula) == 3
    assert "$a< b$ &lt;b>" in markdown  # an entity would be no sign in a formula


def test_a_lesson_from_before_there_were_citations_lists_its_sources() -> None:
    markdown = lesson_markdown(StoredLesson(lesson_number=1, title="T", sources=["a.md", "b.md"]))
    assert markdown.endswith("## Sources\n\n- a.md\n- b.md\n")


@pytest.mark.parametrize(
    "odd",
    [
        {"checks": [{"question": 3}, {"question": None, "objective": 1}, "x"], "learning_objectives": {"1": "A"}},
        {"checks": [{"question": "Q", "choices": "A, B", "answer": "B"}], "learning_objectives": "Name it"},
        {"checks": [{"question": "Q", "choices": 3, "answer": 3}], "learning_objectives": [1], "sources": None},
        {"checks": {"1": "Q"}, "sources": ["a.md", 7]},
    ],
)
def test_whatever_another_program_stored_is_shown_as_far_as_it_can_be(odd: dict[str, Any]) -> None:
    content = {"lesson_number": 1, "title": "Cells", "sections": [{"heading": "H", "content": "Text."}], **odd}
    assert "Text." in lesson_markdown(foreign_lesson(content))


def test_the_name_that_a_model_gives_itself_is_shown_and_not_obeyed() -> None:
    shown = lesson_markdown(with_changes(written_by="<img src=x> ![](http://e/x)"))
    assert "&lt;img" in shown and "![](" not in shown


def test_a_course_puts_its_lessons_one_level_down() -> None:
    markdown = course_markdown(course(LESSON, outline={"description": "About cells."}, sources=["a.md", "c.md"]))
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert headings[:4] == ["# Cells", "## Contents", "## Lesson 1: The Cell", "### Learning Objectives"]
    assert headings[-3:] == ["## All Sources", "## Answer Key", "### Lesson 1: The Cell"]
    assert "1. The Cell" in markdown
    assert "## All Sources\n\n- a.md – cited in lesson 1\n- c.md\n\n## Answer Key\n" in markdown


def test_without_questions_there_is_no_answer_key() -> None:
    assert "Answer Key" not in course_markdown(course(with_changes(checks=())))


def test_several_lessons_that_cite_a_document_are_named_as_several() -> None:
    whole = course(LESSON, with_changes(lesson_number=2))
    assert "\n- b.md – cited in lessons 1, 2\n" in course_markdown(whole)
