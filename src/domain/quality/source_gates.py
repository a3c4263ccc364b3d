"""The gates for what a lesson takes from its sources. Each is a pure function from a draft to findings."""

import re
from collections.abc import Iterator, Sequence

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.markdown_syntax import without_blocks
from src.domain.numerals import Numeral, values, written
from src.domain.quality.citations import is_cited, without_markers
from src.domain.quality.claimed_names import text_of
from src.domain.quality.draft import (
    Draft,
    grams,
    plain,
    prose_paragraphs,
    runs,
    states_something,
    without_blockquotes_and_verse,
)
from src.domain.quality.judged_text import prose_of
from src.domain.quality.number_forms import is_derived
from src.domain.quality.quotations import unquoted
from src.domain.sentences import sentences
from src.domain.words import NO_SPACES, words

LEAST_COVERAGE = 0.3
"""The share of factual sentences that should carry a citation, at least: one may speak for those beside it."""
FEWEST_FACTUAL = 5
"""Of fewer factual sentences the share isn't taken."""
LONGEST_COPY = 30
"""How many words in a row, outside quotation marks, may stand in a source too."""
LONGEST_COPY_CHARACTERS = 60
"""How many characters in a row of Chinese or Japanese, which have about two to a word."""
LONGEST_COPY_LETTERS = 150
"""How many characters in a row of the other scripts without spaces, such as Thai."""
_DIGIT = r"[\d\u00b2\u00b3\u00b9\u2070-\u2089]"
_TWO_DIGITS = re.compile(rf"{_DIGIT}[^\[\]]*?{_DIGIT}")
"""Numbers of one digit aren't looked at, nor are citations."""
_IDEOGRAPHS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")


def copied(draft: Draft) -> Iterator[Finding]:
    """Finds long stretches of a source outside quotations and verse."""
    if not draft.passages:
        return
    most, unit = _longest_copy(draft.all_prose)
    given = "\n".join(" ".join(words(passage.text)) for passage in draft.passages)
    for where, text in draft.fields.items():
        if where.startswith("key_terms."):
            continue
        own = plain(unquoted(without_blockquotes_and_verse(without_blocks(text))))
        if not _may_share(words(own), given, most + 1):
            continue
        runs_given = frozenset().union(*(grams(passage.text, most + 1) for passage in draft.passages))
        taken = next((run for run in runs(own, most + 1) if run in runs_given), None)
        if taken:
            yield soft("copied", where, f"more than {most} {unit} in a row are the source's: {excerpt(_joined(taken))}")


def _may_share(own: Sequence[str], given: str, size: int) -> bool:
    """Returns whether a run of so many words may be in `given`: then one of the pieces half as long is in it too."""
    half = (size + 1) // 2
    return any(" ".join(own[start : start + half]) in given for start in range(0, len(own) - half + 1, half))


def _longest_copy(text: str) -> tuple[int, str]:
    unspaced = 0 if text.isascii() else len(NO_SPACES.findall(text))
    if unspaced <= len(text) / 3:
        return LONGEST_COPY, "words"
    # In scripts without spaces the words of a text are its pairs of characters, one for each character.
    is_ideographic = len(_IDEOGRAPHS.findall(text)) > unspaced / 2
    return (LONGEST_COPY_CHARACTERS if is_ideographic else LONGEST_COPY_LETTERS), "characters"


def _joined(run: Sequence[str]) -> str:
    if NO_SPACES.match(run[0]):
        return "".join(pair[0] for pair in run)
    return " ".join(run)


def citation_removed(draft: Draft) -> Iterator[Finding]:
    """Finds citations that couldn't be verified."""
    for removed in draft.removed:
        yield soft("citation_removed", removed.where, f"{removed.reason}; in {removed.sentence}")


def uncited(draft: Draft) -> Iterator[Finding]:
    """Finds a lesson that has passages to rest on, but cites none, or too few for what it states."""
    if not draft.passages:
        return
    if not draft.citations:
        # If nobody wished for these sources, a lesson that cites none of them passes as one without sources.
        finding = hard if draft.must_cite else soft
        yield finding("uncited", "", "no citation could be verified: cite the passages with numbers such as [1]")
        return
    factual = draft.factual_sentences
    cited = sum(is_cited(sentence.text, draft.declared) for sentence in factual)
    if len(factual) >= FEWEST_FACTUAL and cited / len(factual) < LEAST_COVERAGE:
        example = next(sentence.text for sentence in factual if not is_cited(sentence.text, draft.declared))
        yield soft(
            "uncited",
            "",
            f"{cited} of {len(factual)} factual sentences carry a citation; at least {LEAST_COVERAGE:.0%} should. One"
            f" without: {excerpt(example)}",
        )


def unknown_number(draft: Draft) -> Iterator[Finding]:
    """Finds numbers that no passage gives, in uncited sentences that state a fact: none of an example or a sum."""
    if not draft.passages:
        return
    language = draft.brief.language
    stated = [(where, *found) for where, text in draft.fields.items() for found in _stated(where, text, draft)]
    if not stated:
        return
    texts = [*map(text_of, draft.passages), f"{draft.brief.topic}\n{draft.plan.title}"]
    known = frozenset().union(*(values(text, language) for text in texts))
    given = [number for text in texts for number in written(text, language)]
    unknown: dict[str, dict[str, None]] = {}
    for where, number, sentence, paragraph in stated:
        beside = written(prose_of(without_markers(paragraph)), language)
        if not is_derived(number, sentence, given, known, beside, language):
            unknown.setdefault(where, {})[number.text] = None
    for where, numbers in unknown.items():
        yield soft("unknown_number", where, f"no passage gives {', '.join(numbers)}")


def _stated(where: str, text: str, draft: Draft) -> Iterator[tuple[Numeral, str, str]]:
    """Yields the numbers that a part states once without citing anything, each with its sentence and paragraph."""
    if where.startswith("key_terms.") or not _TWO_DIGITS.search(text):
        return
    language = draft.brief.language
    for paragraph in prose_paragraphs(text, language):
        for sentence in sentences(unquoted(paragraph)) if _TWO_DIGITS.search(paragraph) else ():
            if (
                _TWO_DIGITS.search(sentence.text)
                and not is_cited(sentence.text, draft.declared)
                and states_something(sentence.text, language)
            ):
                for number in written(prose_of(sentence.text), language):
                    if _counts(number) and not number.readings & draft.repeated_numbers:
                        yield number, sentence.text, paragraph


def _counts(number: Numeral) -> bool:
    return sum(map(str.isdigit, number.text)) > 1


SOURCE_GATES = (
    copied,
    citation_removed,
    uncited,
    unknown_number,
)
