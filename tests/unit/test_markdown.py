from src.domain.lesson import Lesson
from src.domain.markdown import course_markdown, lesson_markdown
from src.domain.outline import LessonPlan
from tests.unit.test_outline_and_lesson import PASSAGES, PLAN, text

CONTENT = Lesson.assembled(LessonPlan.model_validate(PLAN), text(), PASSAGES, "a-model").content_json()


def test_a_lesson() -> None:
    assert (
        lesson_markdown(CONTENT)
        == """\
# Lesson 1: The Cell

What a cell is.

## Learning Objectives

- Describe a cell
- Name its parts

## Introduction

Cells are everywhere.

## Cells

A cell is a unit of life.

## Key Terms

- **cell**: A unit of life.

## Real-World Applications

Doctors look at cells.

## Summary

A cell is a unit of life.

## Check Your Understanding

1. What is a cell?
   - A. A unit of life
   - B. A rock
   - C. A star
2. What is a cell?
3. What is a cell?
   - A. A unit of life
   - B. A rock
   - C. A star

### Answer Key

1. **A. A unit of life** Cells are the units of life.
2. **A unit of life** Cells are the units of life.
3. **A. A unit of life** Cells are the units of life.

## Sources

- b.md
- a.md

*Written by the model: a-model*
"""
    )


def test_a_lesson_that_another_program_stored_has_what_it_has() -> None:
    content = {"lesson_number": 2, "title": "T", "sections": [{"heading": "H", "content": "C"}]}
    assert lesson_markdown(content, level=2) == "## Lesson 2: T\n\n### H\n\nC\n"


def test_a_lesson_without_sources_says_so() -> None:
    assert "rests on no source documents" in lesson_markdown({**CONTENT, "sources": []})


def test_a_course_puts_its_lessons_one_level_down() -> None:
    markdown = course_markdown(
        {
            "metadata": {"title": "Cells", "topic": "Cell Biology", "grade_level": "Grade 8", "total_lessons": 1},
            "outline": {"description": "About cells."},
            "lessons": [{"lesson_info": PLAN, "content": CONTENT}],
            "all_sources": ["a.md"],
        }
    )
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert headings[:4] == ["# Cells", "## Contents", "## Lesson 1: The Cell", "### Learning Objectives"]
    assert headings[-1] == "## All Sources"
    assert "1. The Cell" in markdown
