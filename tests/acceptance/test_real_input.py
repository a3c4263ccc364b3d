"""A chapter of a real textbook as the source, read where it lies."""

import json
import re
from pathlib import Path

import pytest

from src.config import DatabaseSettings
from tests.conftest import Workers
from tests.sources import add_sources
from tests.sql import Psql
from tests.upstream import Upstream

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not (DATA / "microbiology").is_dir(), reason=f"no textbook at {DATA}")


def test_a_course_from_a_real_book_cites_it_and_every_citation_holds(
    workers: Workers, upstream: Upstream, psql: Psql, database_settings: DatabaseSettings, user_id: str
) -> None:
    add_sources(database_settings, DATA)
    workers.start()
    upstream.request(user_id, topic="Types of microorganisms", source_filter="microbiology/", num_lessons=6)
    result = upstream.result().fields
    assert result["status"] == "success"
    quality = result["quality"]
    assert (quality["lessons_with_sources"], quality["lessons_without_sources"]) == (6, 0)
    assert (quality["citation_precision"], quality["hard_findings"]) == (1, 0)
    assert quality["checks"] == quality["valid_keys"] == 18

    for lesson in psql.rows("SELECT * FROM v_lessons_full ORDER BY lesson_number"):
        cited = psql.rows(f"SELECT * FROM lesson_citations WHERE lesson_id = '{lesson['id']}' ORDER BY number")
        assert cited and lesson["sources"] == list(dict.fromkeys(citation["document"] for citation in cited))
        for citation in cited:
            assert citation["document"].startswith("microbiology/")
            document = (DATA / citation["document"]).read_text()
            assert document[citation["start_offset"] : citation["end_offset"]] == citation["quote"]
        text = "".join(part["content"] for part in lesson["content_json"]["sections"])
        assert {int(number) for number in re.findall(r"\[(\d+)\]", text)} == {entry["number"] for entry in cited}
        checks = psql.rows(f"SELECT * FROM lesson_checks WHERE lesson_id = '{lesson['id']}'")
        for check in checks:
            assert check["key"] is None or check["choices"][check["key"] - 1] == check["answer"]
            assert check["evidence"] in re.sub(r" \[\d+\]", "", text)
        assert {check["objective"] for check in checks} == {1, 2, 3}
    grades = psql.value("SELECT array_agg((quality ->> 'reading_grade')::float ORDER BY lesson_number) FROM lessons")
    assert len(grades) == 6 and all(4 < grade < 18 for grade in grades)
    assert psql.row("SELECT * FROM v_course_quality")["hardest_reading_grade"] == max(grades)
    course = json.loads(Path(result["output_path"], "course.json").read_text())
    assert course["metadata"]["quality"] == quality
    assert course["all_sources"] == psql.value("SELECT sources FROM courses")
    markdown = Path(result["output_path"], "course.md").read_text()
    assert "*Written by the model: stand-in*" in markdown


def test_the_example_of_the_original_publisher_succeeds(
    workers: Workers, upstream: Upstream, psql: Psql, database_settings: DatabaseSettings, user_id: str
) -> None:
    add_sources(database_settings, DATA)
    workers.start()
    upstream.request(user_id, topic="Cell", grade_level="Grade 8", num_lessons=4, source_filter="microbiology/")
    result = upstream.result().fields
    assert result["status"] == "success", result["message"]
    assert result["total_lessons"] == 4
    assert (result["quality"]["citation_precision"], result["quality"]["hard_findings"]) == (1, 0)
    assert result["quality"]["lessons_with_sources"] == 4
    assert result["quality"]["valid_keys"] == result["quality"]["checks"]


@pytest.mark.parametrize("source_filter", ["micro", "chemistry/", "microbiology/2-"])
def test_a_filter_that_matches_nothing_fails_before_any_model_call(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    database_settings: DatabaseSettings,
    user_id: str,
    source_filter: str,
) -> None:
    add_sources(database_settings, DATA)
    workers.start()
    upstream.request(user_id, topic="Types of microorganisms", source_filter=source_filter)
    result = upstream.result().fields
    assert (result["status"], result["error_code"], result["retryable"]) == ("error", "no_sources", False)
    assert result["message"].endswith(f"under '{source_filter}'; there are microbiology")
    assert psql.value("SELECT count(*) FROM model_calls") == 0
    assert psql.row("SELECT status, error_code FROM courses") == {"status": "FAILED", "error_code": "no_sources"}
