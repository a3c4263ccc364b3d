"""Courses in other languages than English, from a short source in each, through everything up to the files."""

import json
from pathlib import Path

import pytest

from src.config import DatabaseSettings
from src.domain.fixed_words import fixed_words
from tests.conftest import Workers
from tests.sources import add_sources
from tests.sql import Psql
from tests.upstream import Upstream

LANGUAGES = Path(__file__).parents[1] / "data" / "languages"


def test_outline_lessons_headings_and_questions_are_in_the_language_asked_for(
    workers: Workers, upstream: Upstream, psql: Psql, database_settings: DatabaseSettings, user_id: str
) -> None:
    for language in ("de", "hi", "ar"):
        add_sources(database_settings, LANGUAGES / f"{language}.md", f"{language}/", language)
    workers.start()
    for language, topic, slug in (
        ("de", "Die Zelle", "die-zelle"),
        ("hi", "कोशिका", "कोशिका"),
        ("ar", "الخلية", "الخلية"),
    ):
        upstream.request(user_id, topic=topic, language=language, num_lessons=2, source_filter=language)
        result = upstream.result().fields
        assert (result["status"], result["quality"]["hard_findings"]) == ("success", 0), result
        course = psql.row(f"SELECT * FROM courses WHERE id = '{result['course_id']}'")
        assert (course["slug"], course["language"]) == (slug, language)
        folder = Path(result["output_path"])
        assert folder.name.startswith(f"{slug}-grade-8-")
        document = json.loads((folder / "course.json").read_text())
        assert document["metadata"]["direction"] == ("rtl" if language == "ar" else "ltr")
        fixed, markdown = fixed_words(language), (folder / "course.md").read_text()
        for heading in (fixed.introduction, fixed.key_terms, fixed.summary, fixed.checks, fixed.sources):
            assert f"### {heading}\n" in markdown
        assert markdown.count(f"\n## {fixed.answer_key}\n") == 1
        assert psql.value(f"SELECT citation_precision FROM v_course_quality WHERE course_id = '{course['id']}'") == 1
        for lesson in document["lessons"]:
            assert lesson["quality"]["reading_grade"] is None  # not measured but in English
            assert lesson["quality"]["valid_keys"] == lesson["quality"]["checks"]


@pytest.mark.parametrize("language", ["de", "hi", "ar"])
def test_filler_says_in_the_language_asked_for_that_it_is_filler(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str, language: str
) -> None:
    workers.start()
    upstream.request(user_id, topic="Zzz", language=language, num_lessons=1)
    result = upstream.result().fields
    assert (result["status"], result["quality"]["lessons_without_sources"]) == ("success", 1), result
    assert fixed_words(language).no_sources in psql.value("SELECT content_md FROM lesson_bodies")
