"""What is measured of courses, in the database: columns, views, and the command that shows them."""

import asyncio
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from src.config import DatabaseSettings
from src.domain.course import Claim
from src.domain.errors import ErrorCode
from src.domain.finding import Finding, hard, soft
from src.domain.lesson import Lesson
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.domain.quality_figures import LessonQuality, course_figures, findings_json
from src.domain.stored_course import stored_lesson
from src.operations.commands import commands
from src.services.sources.library import SourceLibrary
from tests.lessons import CHECK, PARTS, PASSAGES, PLAN, TRUE, lesson
from tests.peers import Peer
from tests.sources import add_sources
from tests.sql import Psql, SQLError

MakePeer = Callable[..., Peer]
QueueCourse = Callable[..., str]

CHECKS = [CHECK, {**PARTS, "answer": "Something else altogether, from elsewhere."}, TRUE]
SECOND = {**PLAN, "lesson_number": 2, "title": "Parts"}
OUTLINE = Outline.model_validate({"title": "About Cells", "description": "D", "lessons": [PLAN, SECOND]})
FOUND = soft("alike_titles", "lessons.2.title", "says the same")


def finished(peer: Peer, lessons: Sequence[Lesson], findings: Sequence[Finding] = ()) -> None:
    claim = peer.claim_one()

    async def write() -> None:
        await peer.store.save_outline(claim, OUTLINE, [], findings)
        for written in lessons:
            await peer.store.save_lesson(claim, written, [])
        await peer.store.finish(claim, None, None)

    asyncio.run(write())


def test_a_lesson_is_on_record_with_what_was_measured_and_what_wrote_it(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    queue_course()
    written = [lesson(), lesson(plan=SECOND, passages=[], citations=[])]
    finished(peer(), written, [FOUND])
    rows = psql.rows("SELECT quality, written_by, prompt_version, prompt_digest FROM lessons ORDER BY lesson_number")
    assert [row["quality"] for row in rows] == [it.quality.as_json() for it in written]
    assert {(row["written_by"], row["prompt_version"], row["prompt_digest"]) for row in rows} == {
        ("a-model", 7, "f" * 64)
    }
    assert psql.value("SELECT outline_findings FROM courses") == findings_json([FOUND])
    view = psql.row("SELECT * FROM v_course_quality")
    assert (view["title"], view["lessons_with_sources"], view["lessons_without_sources"]) == ("About Cells", 1, 1)
    assert (view["citations"], view["citations_removed"], view["citation_precision"]) == (6, 6, 1)
    assert view["soft_findings"] == 1 + sum(len(it.quality.findings) for it in written)


def test_checks_say_their_kind_key_and_what_they_rest_on(psql: Psql, peer: MakePeer, queue_course: QueueCourse) -> None:
    queue_course()
    written = lesson()
    finished(peer(), [written, replace(written, plan=OUTLINE.lessons[1])])
    names = "question, answer, kind, choices, key, explanation, evidence, objective, citation"
    join = "lesson_checks k JOIN lessons l ON l.id = k.lesson_id WHERE lesson_number = 1"
    checks = [check.model_dump() for check in stored_lesson(written).checks]
    assert psql.rows(f"SELECT {names} FROM {join} ORDER BY q_order") == json.loads(json.dumps(checks))
    assert psql.value(f"SELECT bool_and(choices[key] = answer) FROM {join}") is True
    cited = psql.row(
        "SELECT document, quote"
        " FROM lesson_citations c JOIN lesson_checks k USING (lesson_id) JOIN lessons l ON l.id = lesson_id"
        " WHERE k.citation = c.number AND k.question LIKE 'What is a cell%' AND lesson_number = 1"
    )
    assert cited == {"document": "b.md", "quote": "a cell is a unit of life"}


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("choices, key, answer", "'{a,b}', 3, 'b'"),
        ("choices, key, answer", "'{a,b}', 1, 'b'"),
        ("choices, key, answer", "'{a,b}', 1, NULL"),
        ("key, answer", "1, 'b'"),
        ("key, answer", "1, NULL"),
        ("kind", "'riddle'"),
    ],
)
def test_the_database_refuses_a_key_that_is_not_the_answer(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse, columns: str, values: str
) -> None:
    queue_course()
    finished(peer(), [lesson(), lesson(plan=SECOND)])
    with pytest.raises(SQLError, match="violates check constraint"):
        psql.run(
            f"INSERT INTO lesson_checks (lesson_id, q_order, question, {columns})"
            f" SELECT id, 9, 'Q?', {values} FROM lessons LIMIT 1"
        )


def random_quality(dice: random.Random) -> LessonQuality:
    citations, factual, checks = dice.randint(0, 9), dice.randint(0, 40), dice.randint(3, 5)
    return LessonQuality(
        words=dice.randint(100, 2000),
        citations=citations,
        citations_verified=dice.randint(0, citations),
        citations_removed=dice.randint(0, 3),
        factual_sentences=factual,
        cited_sentences=dice.randint(0, factual),
        reading_grade=dice.choice([None, round(dice.uniform(-2, 20), 1)]),
        wanted_grade=8,
        checks=checks,
        valid_keys=dice.randint(0, checks),
        findings=(hard("gate", "", "message"),) * dice.randint(0, 2) + (FOUND,) * dice.randint(0, 5),
    )


def random_call(dice: random.Random) -> ModelCall:
    most = dice.choice([0, 10_000, 2**31 - 1])
    tokens = (dice.randint(0, most), 0, dice.randint(0, most))
    return ModelCall(uuid4(), "lesson", 1, "m", *tokens, None, 1.0, "ok", repair=dice.random() < 0.3)


def test_the_database_adds_up_a_course_as_the_worker_does(psql: Psql) -> None:
    """A hundred courses of random figures, by `course_quality` of either."""
    dice = random.Random(7)
    for _ in range(100):
        lessons = [random_quality(dice) for _ in range(dice.randint(0, 5))]
        sources = [dice.choice([["a.md"], ["a.md", "b.md"], []]) for _ in lessons]
        findings = [dice.choice([FOUND, hard("leak", "title", "says TODO")]) for _ in range(dice.randint(0, 3))]
        statements = [
            "INSERT INTO courses (id, user_id, topic, title, grade_level, status, outline_findings) VALUES"
            f" ('{(course := uuid4())}', '{uuid4()}', 'T', 'T', 'G', 'READY', '{json.dumps(findings_json(findings))}')"
        ]
        for number, (quality, documents) in enumerate(zip(lessons, sources, strict=True), start=1):
            statements += [
                "INSERT INTO lessons (course_id, lesson_number, title, sources, quality) VALUES"
                f" ('{course}', {number}, 'L', '{{{','.join(documents)}}}', '{json.dumps(quality.as_json())}')",
                "INSERT INTO lesson_checks (lesson_id, q_order, question)"
                f" SELECT id, n, 'Q' FROM lessons, generate_series(1, {quality.checks}) n"
                f" WHERE course_id = '{course}' AND lesson_number = {number}",
            ]
        calls = [random_call(dice) for _ in range(dice.randint(0, 6))]
        statements += [
            "INSERT INTO model_calls (id, course_id, attempt, purpose, model, input_tokens, output_tokens, seconds,"
            f" outcome, repair) VALUES ('{call.id}', '{course}', 1, 'lesson', 'm', {call.input_tokens},"
            f" {call.output_tokens}, 1, 'ok', {call.repair})"
            for call in calls
        ]
        psql.run("; ".join(statements))
        figures = course_figures(lessons, sources, findings, calls)
        assert psql.value(f"SELECT course_quality('{course}')") == figures.model_dump()


@pytest.mark.parametrize("findings", [5, "hard", None, {"severity": 1}, ["hard", 5, None, {"severity": ["soft"]}]])
def test_findings_of_other_programs_break_no_sum(psql: Psql, findings: object) -> None:
    psql.run(
        "INSERT INTO courses (id, user_id, topic, title, grade_level, status, outline_findings) VALUES"
        f" ('{(course := uuid4())}', '{uuid4()}', 'T', 'T', 'G', 'READY', '{json.dumps(findings)}')"
    )
    summed = psql.value(f"SELECT course_quality('{course}')")
    assert (summed["hard_findings"], summed["soft_findings"]) == (0, 0)


@pytest.mark.parametrize(
    "quality",
    [
        {"citation_precision": "high", "citations": "many", "checks": [1], "reading_grade": {"of": 8}},
        {"citations": 1e300, "checks": -1e300, "soft_findings": 2**31, "citations_verified": 1e300},
        {"citations": 2.5, "reading_grade": True, "checks": None},
        ["citations"],
        "good",
    ],
)
def test_figures_of_other_programs_break_neither_the_view_nor_the_sums(psql: Psql, quality: object) -> None:
    good = {"citations": 4, "citations_verified": 3, "reading_grade": 7.5, "checks": 0}
    statements = []
    for course, figures in ((odd_id := str(uuid4()), quality), (str(uuid4()), good)):
        statements += [
            "INSERT INTO courses (id, user_id, topic, title, grade_level, status, quality) VALUES"
            f" ('{course}', '{uuid4()}', 'T', 'T', 'G', 'READY', '{json.dumps(figures)}')",
            "INSERT INTO lessons (course_id, lesson_number, title, quality) VALUES"
            f" ('{course}', 1, 'L', '{json.dumps(figures)}'), ('{course}', 2, 'L', '{json.dumps(good)}')",
        ]
    psql.run("; ".join(statements))
    rows = {row["course_id"]: row for row in psql.rows("SELECT * FROM v_course_quality")}
    odd = rows.pop(odd_id)
    assert (odd["reading_grade"], odd["checks"], odd["soft_findings"]) == (None, None, None)
    (other,) = rows.values()
    assert (other["citations"], other["reading_grade"]) == (4, 7.5)
    summed = psql.value(f"SELECT course_quality('{odd_id}')")
    assert summed["reading_grade"] == 7.5 and summed["citations"] >= 4 and summed["checks"] == 0


class TestStaleCourses:
    def add(self, settings: DatabaseSettings, folder: Path, text: str) -> None:
        (folder / "a.md").write_text(text)
        add_sources(settings, folder / "a.md", "bio/")

    def test_a_course_is_stale_when_what_it_cites_has_changed_or_is_gone(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse, database_settings: DatabaseSettings, tmp_path: Path
    ) -> None:
        self.add(database_settings, tmp_path, f"# Living Things\n\n{PASSAGES[0].text}\n")
        worker = peer()
        (passage,) = asyncio.run(SourceLibrary(worker.database).search("plants and animals", "bio", 5))
        assert passage.title == "Living Things"
        queue_course()
        cites = lesson(passages=[passage, PASSAGES[1]])
        finished(worker, [cites, lesson(plan=SECOND, passages=[], citations=[])])
        assert psql.rows("SELECT * FROM v_stale_courses") == []

        self.add(database_settings, tmp_path, f"# Living Things\n\n{PASSAGES[0].text}\n")  # the same again
        assert psql.rows("SELECT * FROM v_stale_courses") == []

        told = PASSAGES[0].text.replace(". ", ".\n\n").replace("Some have", "Some\nhave")  # other lines and passages
        self.add(database_settings, tmp_path, f"# Living Things\n\n{told} And more.\n")
        stale = psql.row("SELECT title, document, lessons, reason FROM v_stale_courses")
        assert stale == {"title": "About Cells", "document": "bio/a.md", "lessons": [1], "reason": "changed"}

        kept, _, gone = PASSAGES[0].text.partition(" Some ")
        self.add(database_settings, tmp_path, f"# Living Things\n\n{kept} Nobody {gone}\n")
        reasons = psql.rows("SELECT document, lessons, reason FROM v_stale_courses ORDER BY reason")
        assert reasons == [
            {"document": "bio/a.md", "lessons": [1], "reason": "changed"},
            {"document": "bio/a.md", "lessons": [1], "reason": "quote gone"},
        ]

        psql.run("DELETE FROM source_documents")
        assert psql.value("SELECT reason FROM v_stale_courses") == "removed"
        # What it cites can still be read in the course.
        assert psql.value("SELECT count(*) FROM lesson_citations") == len(cites.citations)

    @pytest.mark.parametrize("fate", ["removed", "quote gone"])
    def test_a_course_that_goes_on_after_its_source_has_changed_is_stale_as_soon_as_it_is_ready(
        self,
        psql: Psql,
        peer: MakePeer,
        queue_course: QueueCourse,
        database_settings: DatabaseSettings,
        tmp_path: Path,
        fate: str,
    ) -> None:
        self.add(database_settings, tmp_path, f"# Living Things\n\n{PASSAGES[0].text}\n")
        worker = peer()
        (passage,) = asyncio.run(SourceLibrary(worker.database).search("plants and animals", "bio", 5))
        queue_course()
        first = worker.claim_one()

        async def until_first_lesson() -> None:
            await worker.store.save_outline(first, OUTLINE, [])
            await worker.store.save_lesson(first, lesson(passages=[passage, PASSAGES[1]]), [])
            await worker.store.fail(first, ErrorCode.MODEL_REFUSED, "no", "no", [])

        async def the_rest(again: Claim) -> None:
            assert again.saved_lessons == {1}
            await worker.store.save_lesson(again, lesson(plan=SECOND, passages=[], citations=[]), [])
            await worker.store.finish(again, None, None)

        asyncio.run(until_first_lesson())
        if fate == "removed":
            psql.run("DELETE FROM source_documents")
        else:
            self.add(database_settings, tmp_path, "# Living Things\n\nSomething else.\n")
        psql.run("UPDATE courses SET status = 'QUEUED'")
        assert psql.rows("SELECT * FROM v_stale_courses") == []
        asyncio.run(the_rest(worker.claim_one()))
        assert psql.row("SELECT lessons, reason FROM v_stale_courses") == {"lessons": [1], "reason": fate}


class TestCommand:
    def show(self, monkeypatch: pytest.MonkeyPatch, settings: DatabaseSettings, *arguments: str) -> tuple[int, str]:
        for field in ("host", "port", "name", "user", "password"):
            monkeypatch.setenv(f"DB_{field.upper()}", str(getattr(settings, field)))
        done = CliRunner().invoke(commands, ["quality", *arguments])
        return done.exit_code, done.output

    def test_it_shows_figures_and_findings(
        self,
        psql: Psql,
        peer: MakePeer,
        queue_course: QueueCourse,
        database_settings: DatabaseSettings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        course_id = queue_course()
        bad = lesson(checks=CHECKS)
        unfit = [replace(passage, score=0.0) for passage in PASSAGES]
        finished(peer(), [bad, lesson(plan=SECOND, passages=unfit)], [FOUND])
        for name in (course_id, course_id.upper(), "about-cells"):
            code, output = self.show(monkeypatch, database_settings, name)
            assert code == 0, output
            assert re.search(
                r"1\. The Cell .* 6 of 6 .* 75% .* 2\.3 \(wanted 8\) .* 2 of 3 .* a-model, prompt 7", output
            )
            assert "Lesson 1: no passage fits it" not in output and "Lesson 2: no passage fits it" in output
            assert "Outline: soft alike_titles: lessons.2.title: says the same" in output
            assert "Lesson 1: soft key_unproven: checks.2: " in output
            assert "Citation precision 100%, coverage 75%; reading grade 2.3; 2 lessons with sources" in output
            assert "without; 0 tokens, 0 of them for repairs" in output

    def test_a_course_of_another_program_has_nothing_to_show(
        self, psql: Psql, database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        psql.run(
            "INSERT INTO courses (id, user_id, topic, title, grade_level, status)"
            " VALUES ('00000000-0000-4000-8000-000000000001', gen_random_uuid(), 'T', 'Old', 'G', 'READY');"
            " INSERT INTO lessons (course_id, lesson_number, title)"
            " VALUES ('00000000-0000-4000-8000-000000000001', 1, 'L')"
        )
        code, output = self.show(monkeypatch, database_settings, "old")
        assert code == 0 and "another program" in output

    @pytest.mark.parametrize(
        ("quality", "row"),
        [
            ({"words": 190, "score": 1}, "190 │ – of – │ – "),
            ({"citation_coverage": "high", "findings": ["bad", {"gate": "x"}]}, "– │ – of – │ – "),
            (["good"], "– │ – of – │ – "),
        ],
    )
    def test_text_that_looks_like_markup_and_figures_of_another_shape_are_shown(
        self,
        psql: Psql,
        database_settings: DatabaseSettings,
        monkeypatch: pytest.MonkeyPatch,
        quality: object,
        row: str,
    ) -> None:
        psql.run(
            "INSERT INTO courses (id, user_id, topic, title, grade_level, status, quality, outline_findings) VALUES"
            " ('00000000-0000-4000-8000-000000000001', gen_random_uuid(), 'T', 'Tags [/b]', 'G', 'READY',"
            f" '{json.dumps(quality)}', '{json.dumps([quality])}');"
            " INSERT INTO lessons (course_id, lesson_number, title, quality, written_by, prompt_version) VALUES"
            f" ('00000000-0000-4000-8000-000000000001', 1, 'Closing tags [/b]', '{json.dumps(quality)}', '[b]m', 1)"
        )
        code, output = self.show(monkeypatch, database_settings, "00000000-0000-4000-8000-000000000001")
        assert code == 0, output
        assert "1. Closing tags [/b]" in output and "[b]m, prompt 1" in output
        assert row in re.sub(" +", " ", output)

    def test_the_finished_one_of_several_is_shown_and_a_failed_one_says_why(
        self, psql: Psql, database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        insert = (
            "INSERT INTO courses (user_id, topic, title, grade_level, status, output_path, error_code, error_message)"
        )
        psql.run(
            f"{insert} VALUES (gen_random_uuid(), 'T', 'Cells', 'G', 'READY', 'courses/cells_g-1', NULL, NULL);"
            f"{insert} VALUES (gen_random_uuid(), 'T', 'Cells', 'G', 'FAILED', NULL, 'no_sources', 'None was found')"
        )
        for name in ("cells", "cells_g-1", "courses/cells_g-1/"):
            code, output = self.show(monkeypatch, database_settings, name)
            assert code == 0 and "· READY ·" in output
            assert ("Others with that name: 1" in output) is (name == "cells")
        failed = psql.value("SELECT id FROM courses WHERE status = 'FAILED'")
        assert "no_sources: None was found" in self.show(monkeypatch, database_settings, failed)[1]
        assert self.show(monkeypatch, database_settings, "cellsxg-1")[0] == 1

    def test_without_a_name_the_finished_courses_are_listed_the_worst_first(
        self, psql: Psql, database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.show(monkeypatch, database_settings) == (0, "No course is finished yet.\n")
        courses: dict[str, dict[str, object] | None] = {
            "Good": {"soft_findings": 0, "hard_findings": 0, "citation_coverage": 0.9},
            "Old": None,
            "Bad": {"soft_findings": 4, "hard_findings": 0, "citation_coverage": 0.75, "hardest_reading_grade": 9.2},
            "Worse [/b]": {"soft_findings": 4, "hard_findings": 0, "citation_coverage": 0.5, "checks": 4},
            "Wrong": {"soft_findings": 1, "hard_findings": 1},
        }
        for title, quality in courses.items():
            psql.run(
                "INSERT INTO courses (user_id, topic, title, grade_level, status, quality) VALUES"
                f" (gen_random_uuid(), 'T', '{title}', 'G', 'READY', nullif('{json.dumps(quality)}'::jsonb, 'null'))"
            )
        code, output = self.show(monkeypatch, database_settings)
        rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]
        assert code == 0 and [row[0] for row in rows] == ["Wrong", "Worse [/b]", "Bad", "Good", "Old"]
        assert rows[2][1:6] == ["0", "4", "75%", "–", "9.2"]
        assert rows[2][-1] == psql.value("SELECT id FROM courses WHERE title = 'Bad'")
        assert "Finished besides these" not in output
        code, output = self.show(monkeypatch, database_settings, "--limit", "2")
        assert code == 0 and "Good" not in output and "Finished besides these: 3" in output

    def test_one_that_is_not_there(self, database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch) -> None:
        code, output = self.show(monkeypatch, database_settings, "nothing")
        assert code == 1 and "no course has the id, folder, request_id or slug 'nothing'" in output
