"""docs/gates.md is what people read findings by: it says what the code does, and all of it."""

import ast
import importlib
import re
from collections.abc import Iterator

from src.operations.known_schema import ROOT

TEXT = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
QUALITY = ROOT / "src" / "domain" / "quality"
# What makes a finding, and of which severities. `finding` is the variable that holds one of the first two.
MAKERS = {"hard": {"hard"}, "soft": {"soft"}, "finding": {"hard", "soft"}, "leaks": {"hard", "soft"}}
GATES = (
    "text_gates",
    "source_gates",
    "key_texts",
    "short_answers",
    "question_gates",
    "form_gates",
    "consistency_gates",
)


def made() -> Iterator[tuple[str, set[str]]]:
    """Every gate that is named where a finding is made, with its severities."""
    for file in sorted(QUALITY.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                gate = node.args[0]
                assert isinstance(gate, ast.Constant) and isinstance(gate.value, str), f"{file}:{node.lineno}"
                yield gate.value, MAKERS[node.func.id]


def test_every_gate_is_in_it_with_its_severity_and_no_other() -> None:
    severities: dict[str, set[str]] = {}
    for gate, found in made():
        severities.setdefault(gate, set()).update(found)
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| .+ \|$", TEXT, re.MULTILINE)
    assert len(rows) > 20
    assert sorted((gate, sorted(given.split(", "))) for gate, given in rows) == sorted(
        (gate, sorted(found)) for gate, found in severities.items()
    )


def test_its_numbers_are_those_of_the_constants() -> None:
    named = re.findall(r"([\d.]+)( %)?[^\d(|;]*\(`(\w+)\.([A-Z_]+)`", TEXT)
    assert len(named) == len(re.findall(r"`\w+\.[A-Z_]+`", TEXT))
    for number, share, module, name in named:
        package = "src.domain" if module == "language_recognition" else "src.domain.quality"
        value = getattr(importlib.import_module(f"{package}.{module}"), name)
        assert float(number) / (100 if share else 1) == value, name


def test_every_threshold_of_a_gate_is_in_it() -> None:
    for module in GATES:
        constants = vars(importlib.import_module(f"src.domain.quality.{module}"))
        own = {name for name, value in constants.items() if name[0].isupper() and isinstance(value, int | float)}
        assert own
        assert own == set(re.findall(rf"`{module}\.([A-Z_]+)`", TEXT))
