"""Lessons and courses as they can be stored, for property tests."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from src.domain.citation import Citation
from src.domain.finding import Finding, Severity
from src.domain.result import CourseQuality
from src.domain.stored_course import StoredCheck, StoredCourse, StoredLesson, StoredSection, StoredTerm

TEXT = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
FULL_TEXT = TEXT.filter(bool)
TEXTS = st.lists(TEXT, max_size=3)
COUNT = st.integers(1, 2**31 - 1)
MOMENT = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
SCALARS = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | TEXT
FIGURES = st.dictionaries(FULL_TEXT, SCALARS, min_size=1, max_size=3)
ANY_JSON = st.recursive(
    SCALARS | st.floats(-1000, 1000, width=16),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
"""Any JSON that another program might store."""

SECTIONS = st.builds(StoredSection, kind=st.none() | TEXT, heading=TEXT, content=TEXT)
TERMS = st.builds(StoredTerm, term=TEXT, definition=TEXT)


@st.composite
def citations(draw: st.DrawFn) -> list[Citation]:
    start = draw(st.integers(0, 2**30))
    return [
        Citation(
            number=number,
            document=draw(FULL_TEXT.filter(str.isprintable) | st.just("ज्ञान/" * 100)),
            section=draw(TEXT),
            start=start,
            end=start + draw(st.integers(1, 900)),
            quote=draw(TEXT),
            score=draw(st.integers(900, 1000)) / 10,
            version=draw(st.none() | st.just("a" * 64)),
            title=draw(TEXT),
        )
        for number in draw(st.lists(COUNT, unique=True, max_size=3))
    ]


@st.composite
def checks(draw: st.DrawFn, numbers: list[int]) -> StoredCheck:
    choices = draw(st.none() | st.lists(TEXT, min_size=2, max_size=4, unique=True))
    return StoredCheck(
        kind=draw(st.sampled_from(["multiple_choice", "true_false", "short_answer"])),
        question=draw(TEXT),
        choices=choices,
        answer=draw(st.sampled_from(choices) if choices else st.none() | TEXT),
        evidence=draw(TEXT),
        explanation=draw(TEXT),
        objective=draw(COUNT),
        citation=draw(st.sampled_from([None, *numbers])),
    )


@st.composite
def lessons(draw: st.DrawFn, number: int = 1) -> StoredLesson:
    """Draws lessons of this worker, which have everything."""
    cited = draw(citations())
    return StoredLesson(
        lesson_number=number,
        title=draw(TEXT),
        description=draw(TEXT),
        key_concepts=draw(TEXTS),
        learning_objectives=draw(TEXTS),
        language=draw(st.sampled_from(["en", "ar", "de-AT"])),
        direction=draw(st.sampled_from(["ltr", "rtl"])),
        grounded=bool(cited),
        sections=draw(st.lists(SECTIONS, min_size=1, max_size=3)),
        key_terms=draw(st.lists(TERMS, max_size=2)),
        references=cited,
        checks=draw(st.lists(checks([citation.number for citation in cited]), max_size=2)),
        sources=draw(TEXTS),
        written_by=draw(FULL_TEXT),
        generated_at=draw(MOMENT),
        quality=draw(FIGURES),
        prompt_version=draw(COUNT),
        prompt_digest=draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
    )


@st.composite
def courses(draw: st.DrawFn) -> StoredCourse:
    """Draws courses of this worker."""
    finding = st.builds(Finding, TEXT, st.sampled_from(Severity), TEXT, TEXT)
    figures: dict[str, Any] = draw(st.fixed_dictionaries({"checks": COUNT, "citation_coverage": st.just(0.5)}))
    return StoredCourse(
        id=draw(st.uuids()),
        user_id=draw(st.uuids()),
        request_id=draw(st.none() | FULL_TEXT),
        title=draw(TEXT),
        topic=draw(TEXT),
        grade_level=draw(TEXT),
        source_filter=draw(st.none() | TEXT),
        language=draw(st.sampled_from(["en", "ar", "de-AT"])),
        total_lessons=draw(st.integers(1, 30)),
        outline={"title": "T", "description": draw(TEXT), "lessons": [{"title": draw(TEXT)}]},
        outline_findings=draw(st.lists(finding, max_size=2)),
        lessons=[draw(lessons(number)) for number in range(1, draw(st.integers(1, 2)) + 1)],
        sources=draw(TEXTS),
        usage=draw(FIGURES),
        quality=CourseQuality(**figures),
        output_path=draw(st.none() | FULL_TEXT),
        generated_at=draw(MOMENT),
    )
