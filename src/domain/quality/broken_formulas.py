"""Finds LaTeX that no renderer takes: without an end, with a brace too few, or outside any formula.

A formula that lost its backslashes is found by `mangled_formulas`.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.formulas import Run, Span, in_parsed
from src.domain.markdown_syntax import without_code
from src.domain.quality.draft import Draft

_BRACE = regex.compile(r"\\(?:\\|.)|([{}])", regex.DOTALL)
_ENVIRONMENT = regex.compile(r"\\(begin|end) ?\{([A-Za-z]{1,30}\*?)\}")
_PARAGRAPH = regex.compile(r"\n[ \t]*\n")
# What follows a dollar sign that begins a formula and is no price, nor a variable of a shell.
_BEGINS_FORMULA = regex.compile(
    r"-?(?:\\[A-Za-z]{2}|\{"
    r"|\p{L}\s?[=^_<>≤≥≠≈]|\p{L}\([\p{L}\d, ]{1,9}\)\s?=|(?:\d+\p{L}?|\p{L})\s?[-+*/·×^]\s?[\p{L}\d]"
    r"|\p{L}\s?\\[A-Za-z]|[\d.,]+\s?(?:=|\\(?!\$)))"
)
_ENDS_FORMULA = regex.compile(r"(?:[\^_]\S{1,6}|[=+*/·×^]\s?-?[\p{L}\d.,]{1,8}|\})$")
_RAISED = regex.compile(r"(?<=[\p{L}\d)])\^\{[^{}\n]{1,40}\}")
_GOES_ON = regex.compile(r"\s?[{^_]")
# "C:\Users\alpha" is a path, and so is what stands behind another name.
_PATH = regex.compile(r"(?:\b[A-Za-z]:|[\p{L}\d:]/[\p{L}\d]+|//[\p{L}\d]*)$")
_BRACKET = regex.compile(r"(?<!\\)(?:\\\\)*\\([(\[])")
_CLOSING = {"(": r"\)", "[": r"\]"}


def broken_formula(draft: Draft) -> Iterator[Finding]:
    """Finds LaTeX without its end, with a brace missing, or outside any formula; at most one finding a text."""
    for where, text in draft.shown:
        if "\\" in text or "$" in text or "^{" in text:
            yield from _broken(without_code(text), where)


def _broken(text: str, where: str) -> Iterator[Finding]:
    source, _, spans = in_parsed(text)
    delimited = [span for span in spans if span.kind != "bare"]
    for what in (*_environments(text), *_in_formulas(source, delimited)):
        yield hard("broken_formula", where, what)
        return
    outside = _outside(source, delimited)
    for what, is_certain in (*_bare(source, spans), *_brackets(outside), *_dollars(outside)):
        finding = hard if is_certain else soft
        yield finding("broken_formula", where, what)
        return


def _environments(text: str) -> Iterator[str]:
    """Yields what is wrong with the order in which environments begin and end."""
    opened: list[str] = []
    for found in _ENVIRONMENT.finditer(text):
        if found[1] == "begin":
            opened.append(found[2])
        elif not opened or opened.pop() != found[2]:
            yield f"an environment ends that was not begun: {excerpt(found[0])}"
    if opened:
        yield f"an environment is begun and not ended: {excerpt(opened[-1])}"


def _in_formulas(source: str, spans: Sequence[Span]) -> Iterator[str]:
    for span in spans:
        formula = json.loads(f'"{source[span.start : span.end]}"')
        depth = 0
        for brace in _BRACE.findall(formula):
            depth += {"{": 1, "}": -1, "": 0}[brace]
            if depth < 0:
                break
        if depth:
            yield f"the braces of a formula don't match: {excerpt(formula)}"
        named = Counter(run.name for run in span.runs)
        if named["left"] != named["right"]:
            yield rf"each \left of a formula needs a \right: {excerpt(formula)}"


def _outside(source: str, spans: Sequence[Span]) -> str:
    """Returns the text without its formulas, in each of whose places a space stands."""
    kept, position = [], 0
    for span in spans:
        kept.append(source[position : span.start])
        position = span.end
    return str(json.loads(f'"{" ".join([*kept, source[position:]])}"'))


def _bare(source: str, spans: Sequence[Span]) -> Iterator[tuple[str, bool]]:
    """Yields commands outside formulas, and whether they are surely meant as such: with an argument, they are."""
    for span in spans:
        if span.kind != "bare":
            continue
        named = [run for run in span.runs if run.is_certain and run.name not in ("begin", "end")]
        is_certain = any(_GOES_ON.match(source, run.end) for run in named)
        if named and not _is_in_path(source, named[0]):
            around = json.loads(f'"{source[span.start : span.end]}"')
            yield f"a command stands outside any formula, and is shown as it is: {excerpt(around)}", is_certain


def _is_in_path(source: str, run: Run) -> bool:
    before = source[max(0, run.start - 40) : run.start].replace("\\\\", "/").replace("\\n", "\n")
    return _PATH.search(before) is not None


def _brackets(outside: str) -> Iterator[tuple[str, bool]]:
    r"""Yields `\(` and `\[` without their other half, before a formula. Else they are signs of the text."""
    for paragraph in _PARAGRAPH.split(outside):
        for found in _BRACKET.finditer(paragraph):
            rest = paragraph[found.end() :]
            if _BEGINS_FORMULA.match(rest.lstrip()) and _CLOSING[found[1]] not in rest:
                yield f"a formula is opened and not closed: {excerpt(found[0] + rest, 60)}", "\\" in rest


def _dollars(outside: str) -> Iterator[tuple[str, bool]]:
    """Yields dollar signs outside formulas that surely belong to one, and no price."""
    for paragraph in _PARAGRAPH.split(outside):
        for found in regex.finditer(r"(?<!\\)\$+", paragraph):
            before, behind = paragraph[: found.start()][-12:], paragraph[found.end() :]
            if _BEGINS_FORMULA.match(behind.lstrip() if len(found[0]) == 2 else behind):
                yield f"a formula is opened and not closed: {excerpt(found[0] + behind, 60)}", behind[:1] == "\\"
            elif _ENDS_FORMULA.search(before):
                yield f"a formula is closed and not opened: {excerpt(before + found[0], 60)}", False
    for found in _RAISED.finditer(outside):
        yield f"LaTeX stands outside any formula: {excerpt(found[0])}", False
