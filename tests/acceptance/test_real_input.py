"""A chapter of a real textbook as the source, read where it lies."""

import json
from pathlib import Path

import pytest

from src.config import DatabaseSettings
from tests.conftest import Workers
from tests.sources import add_sources
from tests.sql import Psql
from tests.upstream import Upstream

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not (DATA / "microbiology").is_dir(), reason=f"no textbook at {DATA}")


def test_a_course_from_a_real_book_names_only_files_under_the_filter(
    workers: Workers, upstream: Upstream, psql: Psql, database_settings: DatabaseSettings, user_id: str
) -> None:
    add_sources(database_settings, DATA)
    workers.start()
    upstream.request(user_id, topic="Types of microorganisms", source_filter="microbiology/", num_lessons=6)
    result = upstream.result().fields
    assert result["status"] == "success"
    assert result["quality"] == {"lessons_with_sources": 6, "checks": 18}

    lessons = psql.rows("SELECT * FROM v_lessons_full ORDER BY lesson_number")
    existing = {path.relative_to(DATA).as_posix() for path in DATA.rglob("*.md")}
    for lesson in lessons:
        assert lesson["sources"]
        assert set(lesson["sources"]) <= existing
        assert all(source.startswith("microbiology/") for source in lesson["sources"])
        checks = psql.rows(f"SELECT * FROM lesson_checks WHERE lesson_id = '{lesson['id']}'")
        assert len(checks) >= 3
        assert all(check["question"] and check["answer"] for check in checks)
    course = json.loads(Path(result["output_path"], "course.json").read_text())
    assert course["all_sources"] == psql.value("SELECT sources FROM courses")
    assert set(course["all_sources"]) == {source for lesson in lessons for source in lesson["sources"]}
    markdown = Path(result["output_path"], "course.md").read_text()
    assert "*Written by the model: stand-in*" in markdown


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
