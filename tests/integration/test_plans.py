"""How PostgreSQL runs the statements that run all the time, on tables as they are after years (fault 55)."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from src.devtools.local_postgres import LocalPostgres
from src.services.database.connection import database_url
from src.services.database.statements import sql
from tests.conftest import new_database

COURSES = 50_000
GREEDY = "00000000-0000-4000-8000-00000000000f"
WORKER, OTHER = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"

# A fifth is queued, a fiftieth in the works, the rest done; one result in twenty is still to be published. Most events
# are published; what waits is a key whose first event is put off, and twenty events for each of a hundred keys.
FILL = (
    "ALTER TABLE courses DISABLE TRIGGER USER",
    f"""
    INSERT INTO courses (user_id, topic, title, grade_level, total_lessons, status, slug, output_path)
    SELECT ('00000000-0000-4000-8000-' || lpad((n % 500)::text, 12, '0'))::uuid, 't', 't', 'g', 4,
           (CASE WHEN n % 5 = 0 THEN 'QUEUED' WHEN n % 50 = 1 THEN 'GENERATING' ELSE 'READY' END)::course_status,
           's', 'courses/' || n
    FROM generate_series(1, {COURSES}) n
    """,
    "UPDATE courses SET generated_at = now() - interval '1 h', mirrored_at = now() WHERE status = 'READY'",
    f"""
    INSERT INTO generation_queue (course_id, user_id, fair_rank, lease_id, lease_owner, leased_at)
    SELECT id, user_id, row_number() OVER (),
           CASE WHEN status = 'GENERATING' THEN gen_random_uuid() END,
           CASE WHEN status = 'GENERATING' THEN '{OTHER}'::uuid END,
           CASE WHEN status = 'GENERATING' THEN now() END
    FROM courses WHERE status IN ('QUEUED', 'GENERATING')
    """,
    f"""
    INSERT INTO workers (id, host, pid, version, slots, lease, unbroken_since, token)
    SELECT id, 'h', 1, '1', 50, '30 s', now() - interval '1 h', id FROM unnest(ARRAY['{WORKER}', '{OTHER}']::uuid[]) id
    """,
    """
    INSERT INTO outbox (destination, routing_key, order_key, type, body, published_at)
    SELECT 'event', 'r', 'key-' || n % 5000, 't', '', now() FROM generate_series(1, 50000) n
    """,
    """
    INSERT INTO outbox (destination, routing_key, order_key, type, body, publish_after)
    SELECT 'event', 'r', 'stuck', 't', '', now() + CASE n WHEN 1 THEN interval '1 h' ELSE '0' END
    FROM generate_series(1, 300) n
    """,
    """
    INSERT INTO outbox (destination, routing_key, order_key, type, body)
    SELECT 'event', 'r', 'key-' || n % 100, 't', '' FROM generate_series(1, 2000) n
    """,
    """
    INSERT INTO outbox (course_id, destination, type, body, published_at)
    SELECT id, 'status', 'course.success', '', CASE WHEN random() < 0.95 THEN now() - interval '30 days' END
    FROM courses WHERE status = 'READY'
    """,
    "INSERT INTO lessons (course_id, lesson_number, title) SELECT id, n, 't' FROM courses, generate_series(1, 2) n",
    "INSERT INTO lesson_bodies (lesson_id, content_md) SELECT id, 'text' FROM lessons",
    """
    INSERT INTO model_calls (id, course_id, attempt, purpose, model, seconds, outcome)
    SELECT gen_random_uuid(), id, 1, 'lesson', 'm', 1, 'ok' FROM courses, generate_series(1, 3)
    """,
    # Of those without a turn half belong to one user, and the others each to another.
    f"""
    INSERT INTO courses (user_id, topic, title, grade_level, total_lessons, slug)
    SELECT CASE WHEN n % 2 = 0 THEN '{GREEDY}' ELSE gen_random_uuid() END, 'new', 't', 'g', 4, 's'
    FROM generate_series(1, 6000) n
    """,
    "INSERT INTO generation_queue (course_id, user_id) SELECT id, user_id FROM courses WHERE topic = 'new'",
    f"""
    INSERT INTO requests_set_aside (user_id, delivery_id, body, redelivered, run_after)
    SELECT CASE WHEN n % 2 = 0 THEN '{GREEDY}' ELSE gen_random_uuid() END, gen_random_uuid(), '', FALSE, now()
    FROM generate_series(1, 6000) n
    """,
    "INSERT INTO course_events (course_id, to_status, attempt) SELECT id, 'QUEUED', 0 FROM courses",
    "ALTER TABLE courses ENABLE TRIGGER USER",
)


@pytest.fixture(scope="module")
def full(postgres: LocalPostgres) -> Iterator[Connection]:
    engine = create_engine(database_url(new_database(postgres)))
    with engine.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def scanned(connection: Connection, statement: str, **values: object) -> dict[str, int]:
    """Rows read of each table, also those that a filter threw away; fails where a table was read from end to end."""
    with connection.begin() as transaction:
        # Everything is in memory here. With the default for disks, fifty seeks in a queue of this size count as much as
        # reading the whole of it; in one ten times as long they don't.
        connection.execute(text("SET LOCAL random_page_cost = 1.1"))
        explained = connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"), values).scalar_one()
        transaction.rollback()
    read: dict[str, int] = {}
    for node in nodes(explained[0]["Plan"]):
        if (table := node.get("Relation Name")) is None or not node["Node Type"].endswith("Scan"):
            continue
        is_short = table in ("workers", "model_stops")
        assert node["Node Type"] != "Seq Scan" or is_short, f"{table} is read from end to end"
        rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        read[table] = read.get(table, 0) + round(rows)
    return read


LEASES = COURSES // 50
GREEDY_COURSE = {"user_id": GREEDY, "course_id": WORKER}
OWNER = {"worker_id": WORKER, "tokens": [WORKER]}
NO_STOP = {"server": "http://x/v1 m", "only": None, "trial_since": None}
CLAIM = {"worker_id": WORKER, "limit": 100, "claim": 120.0, "replies": False, "most_bytes": 1_000_000}


@pytest.mark.parametrize(
    ("name", "values", "most"),
    [
        ("claim_courses", {**OWNER, **NO_STOP, "limit": 50, "max_attempts": 5, "longest_delay": 1800.0}, 600),
        ("model_stop", {"server": "http://x/v1 m"}, 1),
        # The users, with some more at the end of each part of the list, and their courses.
        ("courses_without_turn", {"first_user": WORKER, "users": 500, "of_each": 50, "limit": 1000}, 1100 + 500 + 50),
        ("take_aside", {"first_user": WORKER, "users": 500, "limit": 50, "claim": 60.0}, 1100 + 500 + 2 * 50),
        ("count_users_courses", {**GREEDY_COURSE, "most_open": 10, "most_new": None}, 20),
        ("count_users_courses", {**GREEDY_COURSE, "most_open": None, "most_new": 10}, 20),
        ("adopt_courses", {**OWNER, "server": "", "known": [], "limit": 50}, 10),
        ("held_leases", {"worker_id": WORKER}, 10),
        # Those of the stuck key twice (each looks for an earlier one), and what is claimed.
        ("claim_messages", {**CLAIM, "tried": False}, 2 * 300 + 500),
        ("claim_messages", {**CLAIM, "replies": True, "tried": False}, 10),
        ("claim_messages", {**CLAIM, "tried": True}, 10),
        ("unmirrored_courses", {"older_than": 30.0, "limit": 50}, 10),
        ("prune_outbox", {"keep": 604800.0}, 10),
        # Looks at every lease, and at nothing else.
        (
            "rescue_courses",
            {"worker_id": WORKER, "lease": 30.0, "max_attempts": 5, "course_deadline": 1800.0, "limit": 100},
            2 * LEASES,
        ),
    ],
)
def test_what_runs_all_the_time_reads_no_more_than_it_needs(
    full: Connection, name: str, values: dict[str, Any], most: int
) -> None:
    assert sum(scanned(full, str(sql(name)), **values).values()) <= most


JUDGE = {"most_open": 10, "most_new": 10, "error_code": "limit_exceeded", "too_many_open": "", "too_many_new": ""}


@pytest.mark.parametrize(
    ("name", "values", "most"),
    [
        # Each course by its id in two tables, what is open of each user and what is new beside each course; the end.
        ("fail_beyond_limits", JUDGE, 100 * (2 + 2 * 10 + 3)),
        # Each course by its id, the next turn, the last turn of each user.
        ("give_turns", {}, 100 * (3 + 2)),
    ],
)
def test_a_course_gets_its_turn_without_looking_at_all_that_wait(
    full: Connection, name: str, values: dict[str, Any], most: int
) -> None:
    with full.begin():
        new = "SELECT course_id::text FROM generation_queue WHERE fair_rank IS NULL AND user_id {} :greedy LIMIT 50"
        found = [full.execute(text(new.format(sign)), {"greedy": GREEDY}).scalars() for sign in ("=", "<>")]
        courses = [course for some in found for course in some]
    assert sum(scanned(full, str(sql(name)), courses=courses, **values).values()) <= most


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM v_course_summary WHERE id = :id",
        "SELECT * FROM v_course_lessons WHERE course_id = :id ORDER BY lesson_number",
        "SELECT * FROM v_lessons_full WHERE course_id = :id ORDER BY lesson_number",
        "SELECT * FROM course_events WHERE course_id = :id ORDER BY id",
        "SELECT * FROM courses WHERE status = 'FAILED' ORDER BY created_at DESC LIMIT 20",
        "SELECT * FROM courses WHERE user_id = '00000000-0000-4000-8000-000000000007' AND request_id = 'r-1'",
    ],
)
def test_one_course_is_read_without_looking_at_the_others(full: Connection, query: str) -> None:
    with full.begin():
        some = full.execute(text("SELECT id FROM courses WHERE status = 'READY' LIMIT 1")).scalar_one()
    assert sum(scanned(full, query, **({"id": some} if ":id" in query else {})).values()) <= 20


PASSAGES = 20_000

# Words w1 to w9999, the n-th in every n-th passage; a tenth of the passages is under each of ten subjects.
FILL_SOURCES = (
    """
    INSERT INTO source_documents (path, title, language, configuration, sha256, characters)
    SELECT 'subject-' || n % 10 || '/' || n || '.md', 't', 'en', 'english', repeat('0', 64), 1
    FROM generate_series(1, 2000) n
    """,
    f"""
    INSERT INTO source_passages (document_id, position, section, start_offset, end_offset, text, prefixes, words)
    SELECT d.id, n, '', 0, 1, 't', ARRAY[split_part(d.path, '/', 1), d.path],
           array_to_tsvector(ARRAY(SELECT 'w' || w FROM generate_series(1, 300) w
                                   WHERE (d.id * 10 + n) % w = 0 OR w = 1 + (d.id * 7919 + n) % 300))
    FROM source_documents d, generate_series(0, {PASSAGES // 2000} - 1) n
    """,
)


@pytest.fixture(scope="module")
def library(postgres: LocalPostgres) -> Iterator[Connection]:
    engine = create_engine(database_url(new_database(postgres)))
    with engine.begin() as connection:
        for statement in FILL_SOURCES:
            connection.execute(text(statement))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def search_values(prefixes: list[str], condition: str) -> dict[str, Any]:
    return {
        "everywhere": not prefixes,
        "prefixes": prefixes,
        "condition": condition,
        "words": condition.split(" | "),
        "weights": [1.0 for _ in condition.split(" | ")],
        "asked": condition.split(" | "),
        "asked_weights": [1.0 for _ in condition.split(" | ")],
        "least_weight": 0.0,
        "subjects": "",
        "most": PASSAGES,
        "limit": 8,
    }


@pytest.mark.parametrize(("prefixes", "share"), [(["subject-3"], 10), (["subject-3/3.md"], 2000), ([], 1)])
def test_a_search_reads_only_passages_that_have_both_the_prefix_and_a_word(
    library: Connection, prefixes: list[str], share: int
) -> None:
    values = search_values(prefixes, "w250 | w299")
    expected = library.execute(
        text(
            "SELECT count(*) FROM source_passages"
            " WHERE prefixes @> CAST(:prefixes AS text[]) AND words @@ CAST(:condition AS tsquery)"
        ),
        values,
    ).scalar_one()
    library.rollback()
    assert expected <= PASSAGES / share / 20
    assert scanned(library, str(sql("search_words")), **values) == {"source_passages": expected}


def test_prefix_and_words_are_both_conditions_of_the_index(library: Connection) -> None:
    with library.begin():
        statement = text(f"EXPLAIN (FORMAT JSON) {sql('search_words')}")
        plan = library.execute(statement, search_values(["subject-3"], "w250 | w299")).scalar_one()[0]["Plan"]
    (index,) = [node for node in nodes(plan) if node.get("Index Name") == "source_passages_search"]
    assert "prefixes @>" in index["Index Cond"] and "words @@" in index["Index Cond"]


@pytest.mark.parametrize(
    ("name", "values", "most"),
    [
        ("library_size", {"prefix": "subject-3"}, 2),
        ("first_passages", {"prefix": "subject-3", "limit": 8}, 8 * 9),
        ("passages_by_id", {"ids": [1, 2, 3]}, 6),
    ],
)
def test_what_a_search_asks_for_beside_reads_a_few_rows(
    library: Connection, name: str, values: dict[str, Any], most: int
) -> None:
    assert sum(scanned(library, str(sql(name)), **values).values()) <= most
