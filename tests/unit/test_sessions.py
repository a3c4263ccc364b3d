"""What a pooler in transaction mode would lose or mix up, as it belongs to a session."""

import re

import pytest

from src.operations.known_schema import ROOT

_OF_A_SESSION = {
    "a lock": r"pg_(?:try_)?advisory_(?:lock|unlock)",
    "a subscription": r"\b(?:UN)?LISTEN\s+\w|\bNOTIFY\s+\w|pg_notify\(",
    "a prepared statement": r"\bPREPARE\s+\w|\bDEALLOCATE\b",
    "a cursor": r"\bWITH HOLD\b",
    "a temporary table": r"\b(?:TEMP|TEMPORARY) (?:TABLE|VIEW|SEQUENCE)\b",
    "a setting": r"\bSET SESSION\b|set_config\([^)]*,\s*(?i:false)\)|[;\"\x27`]\s*SET (?!LOCAL\b)\w+\s*(?:=|TO)\s",
}


@pytest.mark.parametrize("what", _OF_A_SESSION)
def test_nothing_of_the_program_is_left_in_a_session(what: str) -> None:
    folders = ("src/services", "src/consumers", "src/operations", "migrations")
    files = [path for name in folders for path in (ROOT / name).rglob("*") if path.suffix in (".sql", ".py")]
    found = {path.name for path in files if re.search(_OF_A_SESSION[what], path.read_text(encoding="utf-8"))}
    assert found == set()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_advisory_lock(1)",
        "LISTEN courses",
        "SELECT set_config('lock_timeout', '1s', false)",
        '"SET lock_timeout = 1"',
        "PREPARE claim AS SELECT 1",
        "CREATE TEMP TABLE t ()",
    ],
)
def test_what_would_be_is_found(statement: str) -> None:
    assert any(re.search(pattern, statement) for pattern in _OF_A_SESSION.values())
