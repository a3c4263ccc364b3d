"""Keeps the backslashes of LaTeX in what a model writes as JSON, before it is parsed.

In JSON a backslash is written twice. A model that forgets it writes `\\alpha`, which no parser takes, or `\\frac`,
`\\times` and `\\neq`, which every parser takes for a form feed, a tab and a line break. One that is too careful writes
four, and two are left. What was meant is told by where it stands: see `formulas`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import regex

from src.domain.formulas import (
    BEGIN_LINES,
    SPACING,
    Run,
    Span,
    formulas,
    is_told_from_prose,
    is_unicode_escape,
    runs_of,
    whole,
)
from src.domain.latex_commands import FEWEST_LETTERS

_QUOTE = regex.compile(r"\{\s*([\"'“”„‘’])")
# Outside of double quotation marks, such a sign ends a string only where JSON goes on behind it.
_ENDS = {"'": "'", "“": "”", "”": "”", "„": "“”", "‘": "’", "’": "’"}
_FENCE = regex.compile(r"(?:^|(?<=\n)|(?<=\\n))[ \t]*+(`{3,}+|~{3,}+)[ \t]*+([\w+-]*+)")
_LATEX_FENCES = frozenset({"math", "latex", "tex", "katex"})
_WORD = regex.compile(r"\s*\p{L}{2}")
_LINE_END = regex.compile(r"(?:\$\$|\\[\[]|\\begin\{[A-Za-z*]{1,30}\}(?:\{[^{}]{0,40}\})?)\s*$")
_AFTER_A_ROW = frozenset({"hline", "hdashline", "toprule", "midrule", "bottomrule"})
_FEWEST_AFTER_A_ROW = 3
"""The length of a name that is hardly a product of variables, such as `xy`, at the start of a row."""


# What most answers have none of: backslashes that aren't of an inner quote, of a sign by its number, or of a line break
# before what begins no command (such as `\neq` or `\nRightarrow`). Without a formula there is nothing to mend then.
_NOT_ORDINARY = regex.compile(r'\\(?!["/]|u[0-9A-Fa-f]{4}|n(?![a-zLRV]))')


def latex_kept(source: str, language: str) -> str:
    """Returns the source text of JSON with its backslashes mended, so that a parser gives the LaTeX that was meant.

    `source` may have faults of other kinds, and text around it. `language` is the BCP 47 tag of what is written in it:
    outside formulas, `\\n`, `\\r` and `\\t` begin a command only where the rest of its name is no word. Other breaks of
    lines and tabs, and what is escaped rightly, stay as they are.
    """
    if "$" not in source and _NOT_ORDINARY.search(source) is None:
        return source
    return _mended(source, language)


def _mended(source: str, language: str) -> str:
    quotes = {found[1]: None for found in _QUOTE.finditer(source)}
    quote = '"' if '"' in quotes or not quotes else next(iter(quotes))
    pieces = [_Piece(text, kind, language, quote) for text, kind in _pieces(source, quote)]
    levels = {level for piece in pieces for span in piece.spans if (level := _level(span.runs))}
    usual = levels.pop() if len(levels) == 1 else 2
    return "".join(piece.mended(usual) for piece in pieces)


_Kind = Literal["text", "code", "latex", "sign"]


@dataclass(slots=True)
class _Piece:
    """A string of JSON, or a part of one: prose with formulas, a block of code, or a block of LaTeX."""

    text: str
    kind: _Kind
    language: str
    quote: str
    runs: list[Run] = field(init=False)
    spans: list[Span] = field(init=False)

    def __post_init__(self) -> None:
        self.runs = [] if self.kind == "sign" else runs_of(self.text)
        self.spans = []
        if self.kind == "text":
            self.spans = formulas(self.text, self.runs)
        elif self.kind == "latex":
            self.spans = whole(self.text)

    def mended(self, usual: int) -> str:
        """Returns the text with its backslashes mended; `usual`: how many the model writes for one."""
        kept, position = [], 0
        spans = iter([*(_Formula(self.text, span, usual) for span in self.spans), None])
        formula = next(spans)
        for run in self.runs:
            while formula is not None and formula.span.end <= run.start:
                formula = next(spans)
            if run.after == "'" and not run.name and run.slashes == 1:
                slashes = 1 if self.quote == "'" else 0  # as in JavaScript
            elif formula is not None and formula.span.start <= run.start:
                slashes = formula.slashes(run)
            else:
                slashes = self._slashes(run)
            kept += [self.text[position : run.start], "\\" * slashes]
            position = run.start + run.slashes
        return "".join([*kept, self.text[position:]])

    def _slashes(self, run: Run) -> int:
        """Returns how many backslashes there should be at a place outside formulas."""
        if run.slashes % 2 == 1 and not self._is_escape(run):
            return 2 if run.is_command else run.slashes + 1
        if run.slashes == 4 and run.is_command and self.text[run.end : run.end + 1] == "{" and self.kind == "text":
            return 2
        return run.slashes

    def _is_escape(self, run: Run) -> bool:
        if self.kind != "code" and run.is_ambiguous and is_told_from_prose(self.text, run, self.language):
            return False
        return _is_escape(self.text, run)


class _Formula:
    """A formula in which backslashes are mended."""

    def __init__(self, text: str, span: Span, usual: int) -> None:
        self.span = span
        self._text = text
        self._level = _level(span.runs) or usual
        self._is_broken = "\n" in text[span.start : span.end] or any(
            run.is_ambiguous and run.name[0] == "n" and not run.is_command for run in span.runs
        )
        most = max((run.slashes for run in span.runs), default=0)
        self._lacks_rows = span.has_rows and self._level == 2 and most < 4
        self._doubles_rows = most >= 8

    def slashes(self, run: Run) -> int:
        """Returns how many backslashes there should be at this place."""
        if run.slashes % 2 == 1:
            return self._odd(run)
        if run.slashes == 2:
            return 4 if self._ends_row(run) else 2
        if run.slashes == 4:
            return self._four(run)
        if run.slashes == 8 and self._level == 4:
            return 4
        return 6 if run.slashes == 12 and run.is_command else run.slashes

    def _odd(self, run: Run) -> int:
        """Takes the last backslash for that of a command or an escape, and those before it for the end of a row."""
        own, before = 1 if self._is_escape(run) else 2, run.slashes - 1
        if before == 2:
            before = 4 if self.span.has_rows or (own == 1 and self._level == 1) else 2 * (2 - own)
        elif before == 8 and self._level == 4:
            before = 4
        return before + own

    def _four(self, run: Run) -> int:
        has_rows = self.span.has_rows
        if run.is_command:
            if has_rows and self._level != 4 and run.name in _AFTER_A_ROW:
                return 6
            if has_rows and self._level == 2 and len(run.name) < _FEWEST_AFTER_A_ROW:
                return 4
            return 4 if self.span.kind == "bare" and len(self.span.runs) == 1 else 2
        if self._level == 4:
            return 4 if has_rows and not self._doubles_rows and (run.name or run.after not in SPACING) else 2
        return 4

    def _ends_row(self, run: Run) -> bool:
        """Returns whether two backslashes are the end of a row, and not what JSON writes for one."""
        if run.is_command or (not run.name and (run.after in SPACING or self._delimits(run))):
            return False
        if self._level == 1:
            return self.span.has_rows or not (run.name or run.after == "|")
        if self._lacks_rows and self._text[run.start - 1 : run.start] == " ":
            return len(run.name) == 1 if run.name else run.after.isspace() or run.after.isdigit() or run.after == "-"
        return False

    def _delimits(self, run: Run) -> bool:
        return run.after in "()[]" and (run.start == self.span.start or run.end + 1 == self.span.end)

    def _is_escape(self, run: Run) -> bool:
        if not run.is_ambiguous or not run.is_command:
            return _is_escape(self._text, run)
        if self.span.kind != "bare":
            return self._is_line_break(run)
        if run.after.isalpha():
            return True
        if len(run.name) >= FEWEST_LETTERS:
            return False
        if run.name in BEGIN_LINES:
            is_first = run.start == self.span.start
            if self._level != 1 or (is_first and run.start > 0):
                return True
        return _WORD.match(self._text, run.end) is not None

    def _is_line_break(self, run: Run) -> bool:
        """Returns whether `\\nu` begins a line with the letter u, in a formula that is broken into lines."""
        if run.name not in BEGIN_LINES or self.span.kind != "display" or not self._is_broken:
            return False
        before = self._text[max(self.span.start, run.start - 80) : run.start]
        return self._level == 2 or run.slashes > 2 or _LINE_END.search(before) is not None


def _level(runs: Iterable[Run]) -> int | None:
    """Returns how many backslashes stand for one in a formula: 1, 2 or 4; None if that can't be told."""
    commands = [run for run in runs if run.is_command]
    counts = {run.slashes for run in commands if run.is_certain}
    if counts & {1, 3}:
        return 1
    if counts & {2, 4, 6, 12}:
        return 2 if counts & {2, 6} else 4
    if any(run.name not in BEGIN_LINES for run in commands):
        return 1
    signs = [run for run in runs if not run.name and run.after and run.after in f"{''.join(SPACING)}()[]"]
    return next((run.slashes for run in signs if run.slashes in (1, 2, 4)), None)


def _is_escape(text: str, run: Run) -> bool:
    """Returns whether the last of an odd number of backslashes is JSON's, and that of no command."""
    if is_unicode_escape(text, run):
        return True
    if not run.name:
        return run.after in '"/'
    return run.name[0] in "nrt" or (run.name[0] in "bf" and not run.is_command)


def _pieces(source: str, quote: str) -> Iterator[tuple[str, _Kind]]:
    """Yields strings, what is between them, and the signs that end either."""
    start = 0
    for end in _ends(source, quote):
        yield from _blocks(source[start:end])
        yield source[end], "sign"
        start = end + 1
    yield from _blocks(source[start:])


def _ends(source: str, quote: str) -> Iterator[int]:
    if quote == '"':
        pattern = regex.compile(r'\\[\s\S]|(")')
    else:
        signs = regex.escape(_ENDS[quote] + quote)
        pattern = regex.compile(rf"\\[\s\S]|([{signs}])(?=\s*[,:}}\]])|(?<=[{{\[,:]\s?)([{signs}])")
    for found in pattern.finditer(source):
        if source[found.start()] != "\\":
            yield found.start()


def _blocks(text: str) -> Iterator[tuple[str, _Kind]]:
    """Yields the blocks of code between fences, and the text between them."""
    fence, kind, start = "", "text", 0
    if "```" in text or "~~~" in text:
        for found in _FENCE.finditer(text):
            if not fence:
                yield text[start : found.end()], "text"
                fence, start = found[1], found.end()
                kind = "latex" if found[2].lower() in _LATEX_FENCES else "code"
            elif found[1].startswith(fence) and not found[2]:
                yield text[start : found.start()], "latex" if kind == "latex" else "code"
                fence, start = "", found.start()
    yield text[start:], "text" if not fence else "latex" if kind == "latex" else "code"
