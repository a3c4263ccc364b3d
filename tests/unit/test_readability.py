import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.quality.readability import grade_number, reading_grade

EASY = "The cat sat on the mat. It was a hot day. The dog ran up to the cat. They sat in the sun. " * 6
HARD = (
    "Notwithstanding considerable methodological heterogeneity, contemporary investigations of intracellular"
    " compartmentalisation systematically demonstrate extraordinarily sophisticated organisational principles. "
) * 8


@pytest.mark.parametrize(
    ("level", "grade"),
    [
        ("Grade 8", 8),
        ("8th grade", 8),
        ("Class 10", 10),
        ("Klasse 7", 7),
        ("Year 9", 8),  # England and Wales: one less in grades
        ("University, year 1", 15),  # a school that counts its own years
        ("1st year university", 15),
        ("High school, 1st year", 11),
        ("Nursing school, year 1", None),
        ("secondary school, class 8", 8),
        ("Kindergarten", 0),
        ("Middle School", 7),
        ("High School", 11),
        ("College", 14),
        ("University", 15),
        ("postgraduate", 17),
        ("Grade 99", None),
        ("beginners", None),
        ("High school, grade 9", 9),
        ("Middle School Grade 6", 6),
        ("Ages 6-8", None),
        ("Key Stage 3", None),
        ("10", 10),
        ("7. Klasse", 7),
        ("", None),
    ],
)
def test_the_school_year_of_a_grade_level(level: str, grade: int | None) -> None:
    assert grade_number(level) == grade


def test_hard_text_reads_harder() -> None:
    easy, hard = reading_grade(EASY, "en"), reading_grade(HARD, "en-GB")
    assert easy is not None and hard is not None
    assert easy < 2 and hard > 20


def test_the_formula() -> None:
    # 40 sentences of 4 words with 5 syllables: 0.39 * 4 + 11.8 * 1.25 - 15.59
    assert reading_grade("The big garden grows. " * 40, "en") == round(0.39 * 4 + 11.8 * 1.25 - 15.59, 1)


def test_a_table_is_no_prose() -> None:
    table = "| part | what it does |\n|---|---|\n" + "| membrane | keeps the parts of a cell together |\n" * 30
    assert reading_grade(f"{EASY}\n\n{table}\n\n{EASY}", "en") == reading_grade(f"{EASY}\n\n{EASY}", "en")


@pytest.mark.parametrize(
    ("text", "language"), [(EASY, "de"), (EASY, "hi"), (EASY, ""), ("Too short.", "en"), ("", "en")]
)
def test_what_is_not_measured(text: str, language: str) -> None:
    assert reading_grade(text, language) is None


@given(st.text(), st.text())
def test_nothing_raises(text: str, level: str) -> None:
    reading_grade(text * 50, "en")
    grade_number(level)
