"""Finds formulas in text as JSON writes it, before it is parsed.

A formula stands between delimiters (`$…$`, `$$…$$`, `\\(…\\)`, `\\[…\\]`, `\\begin{…}…\\end{…}`), or it is commands
beside each other with nothing but signs between. How many backslashes each of these has isn't known yet: a model writes
one where JSON wants two, or four. All of it takes linear time.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import regex

from src.domain.latex_commands import COMMANDS, FEWEST_LETTERS, WITH_ROWS, is_no_word

_RUN = regex.compile(r"(\\++)([A-Za-z]*+)")
_HEX = regex.compile(r"u[0-9A-Fa-f]{4}")
_DOLLARS = regex.compile(r"\$++")
_ENVIRONMENT = regex.compile(r"[ ]?\{([A-Za-z]{1,30}\*?)\}")
# A line break as JSON writes it, or as a model does that forgets to.
_BREAK = r"(?:(?<!\\)(?:\\\\)*+\\n|\n)"
_NO_INLINE = regex.compile(rf"{_BREAK}[ \t]*(?:{_BREAK}|[-+*>#][ \t]|\d{{1,3}}[.)][ \t])")
_BEGINS_BLANK = regex.compile(r"\s|\\n(?![A-Za-z])")
_ENDS_BLANK = regex.compile(r"(?:\s|(?<!\\)\\[nrt])$")
_WORDS = regex.compile(r"\p{L}{2,}+[ ,]++\p{L}{2,}")
_WORD = regex.compile(r"\p{L}{2,}")
_ARGUMENT = regex.compile(r"\{[^{}]{0,200}+\}")
_BRACE = regex.compile(r"(?<!\\)[{}]")
# What may stand between two commands of one formula: signs, digits, and letters that stand alone.
_BESIDE = regex.compile(r"(?:[^\p{L}\p{N}\"$`.;:!?\n\\]|\p{N}|\.(?=\d)|(?<!\p{L})\p{L}(?!\p{L}))*+")
_LONGEST_GAP = 120
_LONGEST_INLINE, _LONGEST_DISPLAY = 2000, 20_000
"""Characters of a formula. What is longer is text between two signs that have nothing to do with each other."""
_DEEPEST = 20
"""How many environments may be open within each other."""

SPACING = frozenset(",;:!>{}%$#_")
"""Signs that follow a backslash in a formula, and that hardly begin a row, as those after two backslashes do."""

BEGIN_LINES = frozenset({"ne", "ni", "nu"})
"""Commands of which `e`, `i` or `u` is left without the first letter, with which a line of a formula may begin too."""

# What may follow a command's name, and follows no word of prose: an argument, an index, a power.
_GOES_ON = regex.compile(r"\{|[_^](?:[{\\]|[A-Za-z0-9](?![A-Za-z0-9]))")
_FEWEST_BEFORE_MORE = 3
"""The length of names that are told from prose by what follows them; `u_n` may begin a line."""

Kind = Literal["inline", "display", "bare"]


@dataclass(frozen=True, slots=True)
class Run:
    """Backslashes in a row, with the letters that follow them."""

    start: int
    slashes: int
    name: str
    """The letters of ASCII that follow; empty if there are none."""
    after: str
    """The sign behind both; empty at the end of the text. Of a letter in JSON's own spelling, that letter."""

    @property
    def end(self) -> int:
        """Where the letters end."""
        return self.start + self.slashes + len(self.name)

    @property
    def is_command(self) -> bool:
        """Whether the letters are the whole name of a command."""
        return self.name in COMMANDS

    @property
    def is_ambiguous(self) -> bool:
        """Whether this is a line break, a carriage return or a tab to JSON, which text may well have."""
        return self.slashes % 2 == 1 and self.name[:1] in ("n", "r", "t")

    @property
    def is_certain(self) -> bool:
        """Whether this is a command that can be nothing else: nobody writes form feeds and backspaces."""
        return self.is_command and not self.is_ambiguous


@dataclass(frozen=True, slots=True)
class Span:
    """A formula in a text."""

    start: int
    end: int
    kind: Kind
    runs: Sequence[Run]
    """Its backslashes, those of its delimiters included."""
    has_rows: bool
    """Whether two backslashes may end a row in it."""


def runs_of(text: str) -> list[Run]:
    """Returns all backslashes of a text in order."""
    found = []
    for run in _RUN.finditer(text):
        after = text[run.end() : run.end() + 1]
        if after == "\\" and _HEX.match(text, run.end() + 1):
            after = chr(int(text[run.end() + 2 : run.end() + 6], 16))
        found.append(Run(run.start(), len(run[1]), run[2], after))
    return found


def is_unicode_escape(text: str, run: Run) -> bool:
    """Returns whether `run` ends with JSON's own spelling of a character, such as `\\u00e9`."""
    return run.slashes % 2 == 1 and _HEX.match(text, run.start + run.slashes) is not None


def is_told_from_prose(text: str, run: Run, language: str) -> bool:
    """Returns whether `run`, outside formulas, is surely a command and no line break or tab before a word of prose."""
    if not run.is_command or run.after.isalpha():
        return False
    if run.start == 0 and run.name[0] != "n":
        return True  # no text begins with a tab
    if len(run.name) >= _FEWEST_BEFORE_MORE and _GOES_ON.match(text, run.end):
        return True
    return len(run.name) >= FEWEST_LETTERS and is_no_word(run.name[1:], language)


def formulas(text: str, runs: Sequence[Run]) -> list[Span]:
    """Returns the formulas of a text in order; none is within another. `runs`: the `runs_of` the text."""
    starts = [run.start for run in runs]

    def within(start: int, end: int) -> Sequence[Run]:
        return runs[bisect_left(starts, start) : bisect_left(starts, end)]

    found: list[Span] = []
    outside, arguments = 0, _arguments(text)
    for start, end, kind in sorted([*_dollars(text, runs), *_brackets(runs), *_environments(text, runs)]):
        if start >= outside and _is_formula(text, start, end, kind, within(start, end)):
            found += [
                *_bare(text, within(outside, start), arguments),
                _span(text, start, end, kind, within(start, end)),
            ]
            outside = end
    return [*found, *_bare(text, within(outside, len(text)), arguments)]


@lru_cache(maxsize=256)
def in_parsed(text: str) -> tuple[str, tuple[Run, ...], tuple[Span, ...]]:
    """Returns a text that was parsed as JSON has it, with its backslashes and its formulas there.

    So a tab and "imes" have the look that the model gave them: `\\times`.
    """
    source = json.dumps(text, ensure_ascii=False)[1:-1]
    runs = runs_of(source)
    return source, tuple(runs), tuple(formulas(source, runs))


@lru_cache(maxsize=512)  # several checks look at the same parts
def delimited(text: str) -> tuple[tuple[int, int], ...]:
    """Returns start and end of the formulas between delimiters in a text that was parsed, in order."""
    if "$" not in text and "\\" not in text:
        return ()
    return tuple((span.start, span.end) for span in formulas(text, runs_of(text)) if span.kind != "bare")


def whole(text: str) -> list[Span]:
    """Returns a text as one formula, such as that of a fenced block in LaTeX."""
    return [_span(text, 0, len(text), "display", runs_of(text))]


def _span(text: str, start: int, end: int, kind: Kind, runs: Sequence[Run]) -> Span:
    names = {_environment(text, run).rstrip("*") for run in runs if run.name == "begin"}
    has_rows = bool(names & WITH_ROWS) or any(run.name in ("substack", "shortstack") for run in runs)
    return Span(start, end, kind, runs, has_rows)


def _environment(text: str, run: Run) -> str:
    """Returns the name of the environment that is begun or ended; empty if none is named."""
    named = _ENVIRONMENT.match(text, run.end)
    return named[1] if named else ""


_Place = tuple[int, int, Kind]
"""Start, end and kind of what may be a formula."""


def _dollars(text: str, runs: Iterable[Run]) -> Iterator[_Place]:
    """Yields what stands between a sign and the next one of the same length."""
    escaping = {run.end: run.slashes for run in runs if not run.name}
    last: dict[int, int] = {}
    doubles = 0
    for found in _DOLLARS.finditer(text):
        start, length = found.start(), len(found[0])
        slashes = escaping.get(start, 0)
        # Before two dollar signs that end a formula, backslashes end its last row.
        if slashes % 2 == 1 or (slashes in (2, 4) and not (length == 2 and doubles % 2)):
            start, length = start + 1, length - 1
        if length == 2:
            doubles += 1
            if 2 in last and start - last[2] <= _LONGEST_DISPLAY:
                yield last[2], start + 2, "display"
            last[2] = start
            last.pop(1, None)
        elif length == 1:
            if 1 in last and start - last[1] <= _LONGEST_INLINE:
                yield last[1], start + 1, "inline"
            last[1] = start


def _brackets(runs: Iterable[Run]) -> Iterator[_Place]:
    opened: dict[str, int] = {}
    for run in runs:
        if run.name or run.slashes > 4:
            continue
        if run.after in "([" and run.after:
            opened[run.after] = run.start
        elif run.after == ")" and "(" in opened:
            yield opened.pop("("), run.end + 1, "inline"
        elif run.after == "]" and "[" in opened:
            yield opened.pop("["), run.end + 1, "display"


def _environments(text: str, runs: Iterable[Run]) -> Iterator[_Place]:
    opened: list[tuple[str, int]] = []
    for run in runs:
        if run.name == "begin" and (name := _environment(text, run)):
            opened = [*opened[1 - _DEEPEST :], (name, run.start)]
        elif run.name == "end" and (name := _environment(text, run)):
            for depth in range(len(opened) - 1, -1, -1):
                if opened[depth][0] == name:
                    yield opened[depth][1], text.index("}", run.end) + 1, "display"
                    del opened[depth:]
                    break


def _is_formula(text: str, start: int, end: int, kind: Kind, runs: Sequence[Run]) -> bool:
    """Returns whether what stands between delimiters is a formula, and not prose between two sums of money."""
    if "`" in text[start:end] or (kind == "inline" and _NO_INLINE.search(text, start, end)):
        return False
    is_certain = any(run.is_certain for run in runs)
    if is_certain and (kind == "display" or text[start] != "$"):
        return True
    inner = text[start + 1 : end - 1]
    bare = _ARGUMENT.sub("|", _RUN.sub(lambda run: "|" if run[2] in COMMANDS else " ", inner))
    is_prose, is_sum = bool(_WORDS.search(bare)), inner[:1].isdigit()
    if (is_prose and (is_sum or not is_certain)) or (is_sum and not is_certain and _WORD.search(bare)):
        return False
    if kind == "display" or text[start] != "$":
        return True
    # As in Pandoc, no blank stands beside a sign that delimits, and no digit behind it. But models like a blank on
    # both sides.
    begins, ends = bool(_BEGINS_BLANK.match(inner)), bool(_ENDS_BLANK.search(inner))
    before_digit = text[end : end + 1].isdigit()
    if is_certain:
        return not is_prose or not (begins or ends or before_digit)
    told = any(run.is_command and run.name not in BEGIN_LINES for run in runs)
    return not before_digit and (not (begins or ends) or (begins and ends and told))


def _bare(text: str, runs: Sequence[Run], arguments: Mapping[int, int]) -> Iterator[Span]:
    """Yields commands that stand beside each other outside delimiters, if one of them is certain."""
    beside: list[Run] = []
    reach = 0
    for run in [*runs, None]:
        is_part = run is not None and (run.is_command or (not run.name and run.after not in '"/'))
        if run is not None and is_part and (not beside or _is_beside(text, reach, run)):
            beside.append(run)
            reach = max(reach, _reach(run, arguments))
            continue
        if any(other.is_certain for other in beside):
            yield _span(text, beside[0].start, beside[-1].end, "bare", beside)
        beside, reach = ([run], _reach(run, arguments)) if run is not None and is_part else ([], 0)


def _is_beside(text: str, reach: int, run: Run) -> bool:
    return run.start - reach <= _LONGEST_GAP and (
        run.start <= reach or _BESIDE.fullmatch(text, reach, run.start) is not None
    )


def _reach(run: Run, arguments: Mapping[int, int]) -> int:
    """Returns where a command ends, with its arguments."""
    end = run.end if run.name else run.end + 1
    while end in arguments and arguments[end] - end <= _LONGEST_GAP:
        end = arguments[end] + 1
    return end


def _arguments(text: str) -> dict[int, int]:
    """Returns the place of the closing brace for that of each opening one; those after a backslash are text."""
    opened: list[int] = []
    found: dict[int, int] = {}
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            found[opened.pop()] = brace.start()
    return found
