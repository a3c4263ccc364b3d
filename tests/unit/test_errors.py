"""The tree of errors that `src/domain/errors.py` draws is the tree that there is."""

import ast
import builtins
import re

from src.domain import errors
from src.operations.known_schema import ROOT

ROOTS = {"CourseError", "Interrupted", "OperatorError"}


def drawn() -> dict[str, str]:
    """Each class of the drawing with the one that it hangs on."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"((?:[│ ]   )*(?:[├└]── )?)([A-Z]\w+)  ", line):
            depth = len(match[1]) // 4
            above[depth:] = [match[2]]
            parents[match[2]] = above[depth - 1] if depth else "Exception"
    return parents


def written() -> dict[str, str]:
    """Each exception class in the code with its first base."""
    bases: dict[str, str] = {}
    for file in [ROOT / "app.py", *sorted((ROOT / "src").rglob("*.py"))]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.bases:
                bases[node.name] = ast.unparse(node.bases[0])
    is_error = {
        name for name in vars(builtins) if isinstance(getattr(builtins, name), type(Exception)) and "E" in name
    } & {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
    found: dict[str, str] = {}
    while new := {name: base for name, base in bases.items() if base in is_error | found.keys() and name not in found}:
        found |= new
    return found


def test_every_exception_is_in_the_tree_that_is_drawn() -> None:
    tree = drawn()
    assert {name for name, base in tree.items() if base == "Exception"} == ROOTS
    assert written() == tree
