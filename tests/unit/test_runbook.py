"""docs/runbook.md names every action of the log, every metric and every error code: operators look them up there."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from src.consumers.files_only_part import FilesOnly
from src.domain.errors import ErrorCode
from src.operations.known_schema import ROOT
from src.operations.metrics import GAUGES, Metrics

PROGRAM = [ROOT / "app.py", *sorted((ROOT / "src").rglob("*.py"))]
# The level that each method of a logger writes.
LEVELS = {
    **{name: name for name in ("debug", "info", "warning", "error", "critical")},
    "exception": "error",
}
COUNTED = {"events_total", "ready"}  # not among GAUGES, as they have labels


def rows(document: str, heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their head."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in re.findall(r"^\| `.*\|$", section, re.MULTILINE)]


def log_calls(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    """Every line that a module writes to its log, with its level."""
    return [
        (LEVELS[node.func.attr], node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "_log"
    ]


def texts(value: ast.expr, tree: ast.Module) -> set[str]:
    """What an expression may be: a constant, either side of a condition, whatever the module sets a variable to."""
    match value:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return texts(body, tree) | texts(orelse, tree)
        case ast.Name(id=name):
            set_to = [
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
            ]
            return set().union(*(texts(each, tree) for each in set_to))
    return set()


def actions(file: Path) -> list[tuple[str, str]]:
    """The actions that a module writes to its log, each with its level."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = []
    for level, call in log_calls(tree):
        given = [keyword.value for keyword in call.keywords if keyword.arg == "action"]
        named = texts(given[0], tree) if given else set()
        assert named, f"{file}:{call.lineno}: a log line without an action that can be read off"
        found += [(action, level) for action in named]
    return found


def test_every_action_of_the_log_is_in_it_with_its_level_and_no_other() -> None:
    levels: dict[str, set[str]] = defaultdict(set)
    for file in PROGRAM:
        for action, level in actions(file):
            levels[action].add(level)
    given = {cells[0].strip("`"): set(cells[1].split(", ")) for cells in rows("runbook.md", "Actions of the log")}
    assert len(given) > 50
    assert given == levels


def test_actions_are_found_also_where_a_condition_chooses_one() -> None:
    tree = ast.parse('action = "a" if x else "b"; _log.warning("", action=action); _log.exception("", action="c")')
    (first, second) = log_calls(tree)
    assert (first[0], texts(first[1].keywords[0].value, tree)) == ("warning", {"a", "b"})
    assert (second[0], texts(second[1].keywords[0].value, tree)) == ("error", {"c"})


def test_every_metric_is_in_it_and_no_other() -> None:
    named = {re.sub(r"\{.*", "", cells[0].strip("`")) for cells in rows("runbook.md", "Metrics")}
    optional = FilesOnly.gauge_descriptions
    assert named == {*GAUGES, *optional, *COUNTED}
    metrics = Metrics()
    metrics.count(None, "info", {"action": "worker_started"})
    page = metrics.page({"database": True}, dict.fromkeys((*GAUGES, *optional), 1.0), optional).decode()
    shown = set(re.findall(r"^course_generator_(\w+?)(?:_created)?[{ ]", page, re.MULTILINE))
    assert shown - {"events"} == named


@pytest.mark.parametrize(
    ("document", "heading"), [("runbook.md", "A course is FAILED"), ("messages.md", "Error codes")]
)
def test_every_error_code_is_explained(document: str, heading: str) -> None:
    explained = [cells[0].strip("`") for cells in rows(document, heading)]
    assert sorted(explained) == sorted(code.value for code in ErrorCode)
