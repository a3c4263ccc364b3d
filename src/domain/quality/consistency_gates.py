"""The gates for whether the parts of a lesson agree: terms, summary and what the text refers to."""

from collections.abc import Iterator
from decimal import Decimal

import regex
from rapidfuzz import fuzz, process

from src.domain.finding import Finding, excerpt, soft
from src.domain.formulas import delimited
from src.domain.language_tag import primary_subtag
from src.domain.markdown_syntax import code_blocks, masked, without_code
from src.domain.numerals import Numeral, is_given, values, written
from src.domain.quality.citations import is_cited
from src.domain.quality.claimed_names import NAMELESS
from src.domain.quality.draft import Draft, plain
from src.domain.quality.quotations import unquoted
from src.domain.quality.references import Reference, references
from src.domain.sentences import sentences
from src.domain.words import NO_SPACES, carries_content, stem, words

LEAST_ALIKE = 85
"""The score (0 to 100) from which on two words pass for forms of one."""

SHARE_OF_WORDS, SHARE_OF_PAIRS = 0.5, 0.8
"""The least share of a term's words that stands in a text in which it is used, and of its pairs of characters."""

LEAST_ALIKE_BEGUN = 75
"""The same for words that begin with the same four letters, in other scripts than Latin."""

_OTHER_NAMES = regex.compile(r"[()/,;=–—:]|(?<=\s)(?:-|or|oder|ou|o|или)(?=\s)")


def term_unused(draft: Draft) -> Iterator[Finding]:
    """Finds key terms that the lesson explains and never uses: most of whose words stand nowhere but with the terms."""
    body = ""
    told: dict[str, None] = {}
    for number, term in enumerate(draft.text.key_terms, start=1):
        if not told:
            headings = " ".join(part.heading for part in draft.text.sections)
            told = dict.fromkeys((*draft.words, *words(headings)))
            body = "\n".join(
                (headings, *(text for where, text in draft.fields.items() if not where.startswith("key_terms.")))
            )
        names = [name for name in _OTHER_NAMES.split(plain(term.term)) if words(name)]
        language = draft.brief.language
        if names and not any(_is_used(name, told, language) for name in names) and term.term not in body:
            yield soft("term_unused", f"key_terms.{number}", f"the lesson never uses the term {excerpt(term.term)}")


def _is_used(name: str, told: dict[str, None], language: str) -> bool:
    """Returns whether enough of the words of a term stand in a text, in any form."""
    wanted = [word for word in words(name) if carries_content(word, language)] or list(words(name))
    # In a script without spaces these are pairs of characters, many of which stand in other words too.
    least = SHARE_OF_PAIRS if NO_SPACES.search(name) else SHARE_OF_WORDS
    return sum(_is_told(word, told, language) for word in wanted) >= least * len(wanted)


def _is_told(word: str, told: dict[str, None], language: str) -> bool:
    if word in told:
        return True
    root = stem(word, language)
    if any(root == stem(other, language) for other in told):
        return True
    if len(word) < (4 if word.isascii() else 3):
        return any(other.startswith(word) and len(other) <= len(word) + 2 for other in told)
    if process.extractOne(word, told, scorer=fuzz.ratio, score_cutoff=LEAST_ALIKE):
        return True
    return primary_subtag(language) != "en" and any(
        _is_within(word, other) or _is_within(other, word) for other in told
    )


def _is_within(word: str, other: str) -> bool:
    """Returns whether a word may be part of another: in a compound, or with what is written before and behind it.

    Other vowels at its end are those of a case, and a letter at its start is an article or a preposition.
    """
    if word.isascii():
        return len(word) >= 4 and word in other
    begins = other.startswith(word[:4]) and len(word) >= 5 and fuzz.ratio(word, other) >= LEAST_ALIKE_BEGUN
    return begins or (len(word) >= 3 and (word in other or (word[1:] == other[1:] and len(word) == 3)))


_NAME = regex.compile(r"(?<=[\p{Ll}\p{M},;]\s)\p{Lu}[\p{L}\p{M}]{2,}")
_OPERATOR_BEFORE = regex.compile(r"[=+×·*÷^<>≈√]\s*-?$|\d\s?[-:]\s?$|/$")
_OPERATOR_BEHIND = regex.compile(r"\s*(?:[=+×·*÷^<>≈√]|[-:]\s?\d)|/")


def summary_beyond(draft: Draft) -> Iterator[Finding]:
    """Finds numbers and names in the summary that the rest of the lesson hasn't."""
    summary = _uncited(draft.text.summary)
    others = [text for where, text in draft.fields.items() if where != "summary"]
    rest = "\n".join(
        (*(part.heading for part in draft.text.sections), *(it.term for it in draft.text.key_terms), *others)
    )
    language = draft.brief.language
    beyond = [*_numbers_beyond(summary, rest, language), *_names_beyond(summary, rest, draft)]
    if beyond:
        yield soft("summary_beyond", "summary", f"the lesson before the summary hasn't {', '.join(beyond)}")


_SUBSCRIPT = regex.compile(r"\S*[₀-₉]\S*")


def _uncited(text: str) -> str:
    """Returns the sentences of a text that cite nothing, without code and formulas, which have examples' numbers.

    What is cited has been compared with its source, wherever it stands.
    """
    told = " ".join(sentence.text for sentence in sentences(text) if not is_cited(sentence.text))
    outside = _SUBSCRIPT.sub(" ", without_code(told))
    for start, end in reversed(delimited(outside)):
        outside = f"{outside[:start]} {outside[end:]}"
    return plain(outside)


def _numbers_beyond(summary: str, rest: str, language: str) -> list[str]:
    found = [number for number in written(summary, language) if len(number.text) > 1 and number.text not in rest]
    if not found:
        return []
    given = values(rest, language)
    return [it.text for it in found if not is_given(it, given) and not _is_worked_out(it, summary, given)]


def _is_worked_out(numeral: Numeral, summary: str, given: frozenset[str]) -> bool:
    """Returns whether a number is one of the lesson's in another form: rounded, in percent, or part of a sum."""
    at = summary.find(numeral.text)
    if at >= 0 and (
        _OPERATOR_BEFORE.search(summary[:at][-8:]) or _OPERATOR_BEHIND.match(summary, at + len(numeral.text))
    ):
        return True
    known = [Decimal(value) for value in given if regex.fullmatch(r"-?\d{1,30}(?:\.\d{1,30})?", value)]
    for reading in numeral.readings:
        if not regex.fullmatch(r"-?\d{1,30}(?:\.\d{1,30})?", reading):
            return True  # such as 2.4.1, which is no number
        value = Decimal(reading)
        if {value * 100, value / 100, -value} & set(known):
            return True
        digits = len(value.normalize().as_tuple().digits)
        if any(other and _rounded(other, digits) == value for other in known):
            return True
    return False


def _rounded(value: Decimal, digits: int) -> Decimal:
    return round(value, digits - 1 - value.adjusted())


def _names_beyond(summary: str, rest: str, draft: Draft) -> list[str]:
    if primary_subtag(draft.brief.language) in NAMELESS:
        return []
    found = [name for name in dict.fromkeys(_NAME.findall(summary)) if name not in rest]
    if not found:
        return []
    told = frozenset(words(f"{rest} {draft.plan.title} {draft.brief.topic}"))
    return [name for name in found if not _is_known(name, told)]


def _is_known(name: str, told: frozenset[str]) -> bool:
    low = words(name)[0]
    # A lesson that says "Genoese" names Genoa too.
    return low in told or any(
        other[:4] == low[:4] or fuzz.ratio(low, other) >= LEAST_ALIKE for other in told if len(other) >= 3
    )


_TABLE = regex.compile(
    r"^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*$|^[ \t>]*\|[ \t]*:?-+:?[ \t]*\|[ \t]*$",
    regex.MULTILINE,
)


def dangling_reference(draft: Draft) -> Iterator[Finding]:
    """Finds references to lessons, figures, tables and sections that aren't there; one finding a text."""
    for where, text in draft.shown:
        if _dangling(text, draft) and (found := _dangling(unquoted(masked(text, " ")), draft)):
            yield soft("dangling_reference", where, f"this isn't there: {excerpt(found.text)}")


def _dangling(text: str, draft: Draft) -> Reference | None:
    found = references(text, draft.brief.language)
    return next((reference for reference in found if not _is_there(reference, draft)), None)


def _drawings(draft: Draft) -> int:
    """Returns the number of blocks of code, each of which may hold a drawing or a table."""
    return sum(1 for text in draft.fields.values() for _ in code_blocks(text))


def _tables(draft: Draft) -> int:
    return _drawings(draft) + sum(len(_TABLE.findall(text)) for text in draft.fields.values())


def _is_there(found: Reference, draft: Draft) -> bool:
    own, last = draft.plan.lesson_number, draft.brief.num_lessons
    match found.kind:
        case "lesson":
            return found.number is None or 1 <= found.number <= last
        case "lesson before":
            return own > 1
        case "lesson after":
            return own < last
        case "section":
            return found.number is None or found.number <= len(draft.text.sections)
        case "table":
            return found.number is None or found.number <= _tables(draft)
        case "table here":
            return _tables(draft) > 0
        case "figure":
            return found.number is None or found.number <= _drawings(draft)
        case "figure here":
            return _drawings(draft) > 0
        case "chapter":
            return False


CONSISTENCY_GATES = (
    term_unused,
    summary_beyond,
    dangling_reference,
)
