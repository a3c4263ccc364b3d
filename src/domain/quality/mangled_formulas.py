"""Finds formulas that lost a backslash, or have one too many, on their way through JSON.

What a model writes is mended before it is parsed (`domain.latex`). This finds what slipped through.
"""

import re
from collections.abc import Iterator

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.formulas import BEGIN_LINES, Run, Span, in_parsed, is_told_from_prose
from src.domain.latex_commands import COMMANDS, is_no_word
from src.domain.markdown_syntax import without_code
from src.domain.outline import Outline
from src.domain.quality.draft import Draft
from src.domain.request import CourseBrief

# The names of commands before an argument, without a backslash: nothing else is written so.
_BARE = regex.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,40}+(?=\{)")
_CONTROL = re.compile(r"[\t\r\n\x08\x0c][A-Za-z]+")
_ESCAPED = {"\t": "t", "\r": "r", "\n": "n", "\b": "b", "\f": "f"}
_OPENING = regex.compile(r"(?:^|[ (=+])$")
_BRACES = frozenset("{}")
_FEWEST_LETTERS = 3
"""The length of a name after two backslashes that is hardly a product of variables, such as `xy`."""


def mangled_formula(draft: Draft) -> Iterator[Finding]:
    """Finds formulas in a lesson that aren't what was meant: a tab and "imes" for `\\times`, or `\\\\frac`."""
    texts = [(where, text) for where, text in draft.everything.items() if not where.startswith("checks.")]
    for number, check in enumerate(draft.text.checks, start=1):
        shown = (check.question, *(check.choices or ()), check.answer, check.evidence, check.explanation)
        texts += [(f"checks.{number}", text) for text in shown]
    for where, text in texts:
        yield from mangled(text, where, draft.brief.language)


def mangled_outline(outline: Outline, brief: CourseBrief) -> Iterator[Finding]:
    """Finds what `mangled_formula` does, in an outline."""
    texts = [("title", outline.title), ("description", outline.description)]
    for lesson in outline.lessons:
        shown = (lesson.title, lesson.description, *lesson.key_concepts, *lesson.learning_objectives)
        texts += [(f"lessons.{lesson.lesson_number}", text) for text in shown]
    for where, text in texts:
        yield from mangled(text, where, brief.language)


def mangled(text: str, where: str, language: str) -> Iterator[Finding]:
    """Yields what is found in one text, at most one finding: a formula has mostly lost all of its backslashes at once.

    `language` is the BCP 47 tag of the text.
    """
    if "\\" not in text and "$" not in text and not any(map(_is_command, _CONTROL.findall(text))):
        return
    source, runs, spans = in_parsed(without_code(text))
    within = {run.start for span in spans if span.kind != "bare" for run in span.runs}
    sure = [what for span in spans if span.kind != "bare" for what in _in_formula(source, span)]
    outside = [run for run in runs if run.start not in within]
    sure += [_lost(run) for run in outside if _is_lost(source, run, language)]
    if sure:
        yield hard("mangled_formula", where, sure[0])
        return
    for run in outside:
        if _may_be_lost(source, run):
            yield soft("mangled_formula", where, _lost(run))
            return


def _is_command(found: str) -> bool:
    """Returns whether a control character and letters are what JSON makes of a command with one backslash."""
    return _ESCAPED[found[0]] + found[1:] in COMMANDS


def _in_formula(source: str, span: Span) -> Iterator[str]:
    for run in span.runs:
        if run.slashes == 4 and _has_too_many(run, span):
            sign = excerpt(run.name or run.after)
            yield f"two backslashes before {sign} end a line: a command has one, which JSON writes as two"
        elif run.slashes % 2 == 1 and run.is_command and not _may_begin_a_line(run):
            yield _lost(run)
    for name in _BARE.finditer(source, span.start, span.end):
        if name[0] in COMMANDS:
            yield f"a command has a backslash, which JSON writes as two: {excerpt(name[0])}"


def _has_too_many(run: Run, span: Span) -> bool:
    """Returns whether two backslashes are surely meant as one, and end no row."""
    if not run.name:
        braces = {other.after for other in span.runs if other.slashes == 4 and not other.name}
        return run.after in _BRACES and braces >= _BRACES and span.kind == "inline" and not span.has_rows
    if not run.is_command:
        return False
    if run.after == "{":
        return True
    return not span.has_rows and (span.kind == "inline" or len(run.name) >= _FEWEST_LETTERS)


def _may_begin_a_line(run: Run) -> bool:
    return run.name[0] == "n" and (run.name in BEGIN_LINES or not is_no_word(run.name[1:], "en"))


def _is_lost(source: str, run: Run, language: str) -> bool:
    """Returns whether a control character outside formulas was surely the start of a command."""
    if run.slashes % 2 == 0 or not run.is_command or run.after.isalpha():
        return False
    # Nobody writes form feeds and backspaces, nor carriage returns alone.
    return run.name[0] in "bfr" or (run.is_ambiguous and is_told_from_prose(source, run, language))


def _may_be_lost(source: str, run: Run) -> bool:
    """Returns whether a tab is hardly one: those of tables stand without a blank before them."""
    return (
        run.slashes % 2 == 1
        and run.is_command
        and run.name[0] == "t"
        and not run.after.isalpha()
        and _OPENING.search(source[max(0, run.start - 1) : run.start]) is not None
    )


def _lost(run: Run) -> str:
    return f"a formula has lost a backslash, which JSON writes as two: {excerpt(run.name)} should be a command"
