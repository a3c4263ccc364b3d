"""Tells whether a part of a lesson ends in the middle of a sentence.

A part may well end without a full stop: with a formula, code, a table, a list, a verse, a source, a label with its
value, a link, an emoji. Of what ends like that nothing is told. That running prose was cut off is certain only where
its own sentences end with marks; in scripts that have none, such as Thai, nothing is told either.
"""

from collections.abc import Sequence

import regex

from src.domain.finding import Severity
from src.domain.language_tag import primary_subtag
from src.domain.markdown_syntax import code_blocks
from src.domain.sentences import CITATION, ends_a_sentence

ITEM = regex.compile(r"^\s*(?:(?:[-*+•·◦]|\p{Nd}{1,3}[.)]|\p{L}\))\s+|\p{Nd}{1,3}[．、]|[①-⑳])(?=\S)")
"""Matches the beginning of an item of a list."""
_LONGEST_VERSE = 60
"""A block whose lines are all shorter, in characters, is verse or an address, not prose that was wrapped."""
_LONGEST_VALUE = 12
"""What follows a colon at the end of a part is a value if it has no more words than this."""
_LONGEST_TITLE = 60
"""A line alone without a sentence in it may be a caption, a title or a source up to so many characters."""
_TAIL = 200
"""So many characters at the end of a text are looked at for what stands behind its last sentence."""
_LONGEST_BLOCK = 1500
"""So many characters of the last paragraph are looked at."""

_CITATIONS = regex.compile(rf"(?:\s*{CITATION})+\s*$")
# What may follow the end of a sentence: citations, emoji and signs such as ✓.
_BEHIND_THE_END = regex.compile(rf"(?:\s*{CITATION}|\s*[\p{{So}}\uFE0F\u200d\p{{Emoji_Modifier}}])+\s*$")
# The last line is no prose: part of a table, a quotation, an attribution or a speech with its dash, a rule, or it is
# all emphasis, as a caption may be.
_NO_PROSE = regex.compile(
    r"^\s*(?:\||\$\$|(?:[—–―]|--)\s*\S|:?-{3,}|<https?:|(?:\\end\{|\\\]))|\s\|\s"
    r"|^\s*(\*{1,3}|_{1,3})(?![\s*_])[^*_]+\1\s*$"
)
# What a part may end with: a formula, code, a link or an address, emphasis, signs that aren't punctuation.
_OWN_END = regex.compile(
    r"(?:\$|\\\)|\\\]|\\end\{[a-z]+\*?\}|`|\]\([^()\s]*(?:\([^()\s]*\))?\)|https?://\S+|www\.\S+|\S@\S+|(?<=\S)[*_]"
    r"|[\p{So}\p{Sm}\p{Sc}\p{Sk}\p{Extended_Pictographic}\uFE0F\u200d\u20E3\p{Emoji_Modifier}%‰°′″#~^|/།\\♯♭]"
    r"|[₀-₉⁰¹²³⁴-⁹⁺⁻])(?:[)\]\"'”’»›」』]*)$"
)
_QUOTED_LINE = regex.compile(r"(?:^|[:：]\s*)[\"“„«»「『‘'‚][^\"“”„«»「」『』]+[\"“”«»」』’']$")
_CLOSED = regex.compile(r"[)\]\"'”’»›」』）】》\p{Nd}]$")
# Languages whose sentences have no mark at their end, or seldom.
_UNMARKED = frozenset({"th", "lo"})
_OPENING = frozenset('«»„“"「『')
_ANY_QUOTE = regex.compile(r"[«»„“”\"「」『』]")
_GLOSS = regex.compile(r"\S\s*(?:=|→|⇒|↦|≈|·|•|—|–| \| )\s*\S")
_LABEL = regex.compile(r"[:：]\s*[*_]*\s*(?=\S)")
# A label that is marked as one, or a value in digits; and the result of a sum.
_COMMAS = (",", "،", "，", "、")
_LABELLED = regex.compile(
    r"[*_]+[^*_:：]+(?:[:：][*_]+|[*_]+[:：])\s*\S+(?:\s+\S+){0,3}$|[:：]\s*(?:[^\p{Ll}]*\p{N}[^\p{Ll}]*|[^\p{L}]+)$"
)
_EQUALS = regex.compile(r"[=≈→⇒⇌]\s*([^=≈→⇒⇌]+)$")
_LONGEST_RESULT = 3
_SYMBOL = regex.compile(r"(?<!\p{L})\p{Lu}[\p{Lu}\p{N}–-]*$")
# A quotation that is opened and not closed. German closes with “ what it opens with „.
_OPEN_QUOTATION = regex.compile(r"(?:(?<!„.*)“[^”“]+|(?<!».*)«[^»«]*\p{L}[^»«]*|「[^」「]+)$")
_ANNOUNCES = regex.compile(r"[:：៖]$")
_SEPARATED = regex.compile(r"[;；,،，、؛]$")
_SOURCE = regex.compile(r"^\s*(?:[—–―(\[*_-])")
_INSIDE = regex.compile(r"[\p{Sentence_Break=STerm}.…][\"'”’»)\]*_]*(?:\s|[\[\d,\]]|$)|[。！？．]|(?<=\p{Greek});\s")
_WORD = regex.compile(r"[\p{L}\p{M}'’]+")
_GREEK_QUESTION = regex.compile(r";[\"'”’»)\]*_]*$")
# Words with which no sentence ends, whatever stands before them.
_NEVER_LAST = {
    "en": "the a an and or because although every our their your its",
    "de": "der das dem den des ein eine einen einem einer eines und oder weil dass",
    "fr": "le les un une des du de et ou que dans à",
    "es": "el los las un una de del y o que en con",
    "pt": "os um uma de do da dos das e ou que em com",
    "it": "il i gli un una di del della dei e o che con",
    "nl": "de het een en of omdat dat",
    "ru": "и или в к с из что для на чтобы",
    "el": "ο η το οι τα του της των και να με σε στο στη",
    "tr": "ve veya ile bir",
    "hi": "और या कि का के की",
    "ar": "في من على إلى أو",
    "he": "של את או על עם",
}
# After these, too, more mostly follows; but "that is what it is" ends with one.
_SELDOM_LAST = {
    "en": "but of to from with into that which if than as at by my very is are was were",
    "de": "die aber wenn mit von im ins zum zur",
    "fr": "la mais qui avec sur pour par au aux est sont",
    "es": "la unos unas pero por para al es son",
    "pt": "o a as mas por para ao no na é são",
    "it": "lo la le ma per in al è sono",
    "nl": "maar met van in op voor",
    "ru": "но а от который как не",
    "el": "αλλά που για από στην είναι",
    "he": "אבל כי אם הוא היא",
    "ar": "عن مع أن إن الذي التي ثم",
}
_GOES_ON = {
    language: frozenset(f"{given} {_SELDOM_LAST.get(language, '')}".split()) for language, given in _NEVER_LAST.items()
}
_CERTAIN = {language: frozenset(given.split()) for language, given in _NEVER_LAST.items()}


def cut_off_severity(text: str, language: str, is_marked: bool = True) -> Severity | None:
    """Returns how surely a part ends in the middle of a sentence; None if it may end like that, or can't be told.

    `is_marked`: whether the sentences of the lesson end with marks.
    """
    told = _uncited(text)
    if _is_over(told, language) or any(end >= len(told) for _, end in code_blocks(told)):
        return None
    block = told[-_LONGEST_BLOCK:].rpartition("\n\n")[2]
    last = block.rpartition("\n")[2]
    if last.lstrip().startswith(">"):
        return Severity.SOFT if _breaks_off_quoted(block) else None
    if _NO_PROSE.search(last) or _OWN_END.search(last[-_TAIL:]) or _QUOTED_LINE.search(last):
        return None
    if ITEM.match(last):
        return _of_list(told, language)
    lines = block.splitlines()
    if ITEM.match(lines[0]) or (lines[1:] and all(len(line) <= _LONGEST_VERSE for line in lines)):
        return None
    return _of_prose(" ".join(lines), language, is_marked)


def breaks_the_row(text: str, others: Sequence[str], language: str) -> bool:
    """Returns whether a definition, or an item of a list, was likely cut off.

    They may all do without a full stop, but not only one of them.
    """
    told = _uncited(text)
    if _goes_on(told, language) or (told.count("$") % 2 and not told.endswith("$")):
        return True
    tail = told[-_TAIL:]
    if _is_over(told, language) or _OWN_END.search(tail) or _LABELLED.search(tail) or _SYMBOL.search(tail):
        return False
    if _ANNOUNCES.search(told):
        return True
    marked = [_is_over(_uncited(other), language) for other in others]
    separated = [_SEPARATED.search(_uncited(other)) is not None for other in others]
    if _SEPARATED.search(told):
        return not any(separated)
    free = [_OWN_END.search(_uncited(other)[-_TAIL:]) is not None for other in others]
    known = [one or two for one, two, is_free in zip(marked, separated, free, strict=True) if one or two or not is_free]
    return bool(known) and all(known)


def ends(text: str, language: str) -> bool:
    """Returns whether a text ends with a mark that ends a sentence."""
    return ends_a_sentence(text) or (primary_subtag(language) == "el" and _GREEK_QUESTION.search(text) is not None)


def has_marks(text: str) -> bool:
    """Returns whether a sentence inside a text ends with a mark."""
    return _INSIDE.search(text) is not None


def _uncited(text: str) -> str:
    told = text.rstrip()
    if not told.endswith("]"):
        return told
    tail = told[-_TAIL:]
    return told[: -len(tail)] + _CITATIONS.sub("", tail).rstrip()


def _is_over(told: str, language: str) -> bool:
    """Returns whether a text ends with a mark, with emoji behind it or not, or in a language that has none."""
    bare = told[-_TAIL:].lstrip()
    if bare.endswith("]") or not bare[-1:].isascii():
        bare = _BEHIND_THE_END.sub("", bare)
    return not bare or primary_subtag(language) in _UNMARKED or ends(bare, language)


def _breaks_off_quoted(block: str) -> bool:
    """Returns whether a quotation likely breaks off: its mark isn't closed, or it is prose. Verse isn't judged."""
    lines = [line.lstrip("> \t") for line in block.splitlines()]
    line = lines[-1]
    if line[:1] in _OPENING and len(_ANY_QUOTE.findall(line)) == 1:
        return True
    marks = [*_INSIDE.finditer(line)]
    rest = line[marks[-1].end() :] if marks else ""
    is_prose = len(line) > _LONGEST_TITLE and len(rest.split()) > 1
    return is_prose and not (_CLOSED.search(line) or _OWN_END.search(line[-_TAIL:]) or _SOURCE.search(rest))


def _of_list(told: str, language: str) -> Severity | None:
    items = [line for line in told[-_LONGEST_BLOCK:].splitlines() if ITEM.match(line)]
    return Severity.SOFT if breaks_the_row(items[-1], items[:-1], language) else None


def _of_prose(block: str, language: str, is_marked: bool) -> Severity | None:
    """Returns how surely running prose was cut off, given its last paragraph."""
    marks = [*_INSIDE.finditer(block)]
    rest = block[marks[-1].end() :] if marks else block
    if _goes_on(block, language) or (rest.endswith(_COMMAS) and is_marked):
        return Severity.HARD
    if _OPEN_QUOTATION.search(block):
        return Severity.SOFT
    if marks:
        if _is_sum_or_value(rest):
            return None
        return Severity.SOFT if _CLOSED.search(rest) or _ANNOUNCES.search(rest) else Severity.HARD
    if _is_value(block) or not is_marked:
        return None
    if _CLOSED.search(block):
        return None if len(block) <= _LONGEST_TITLE else Severity.SOFT
    return Severity.HARD if len(block) > _LONGEST_TITLE and not _ANNOUNCES.search(block) else Severity.SOFT


def _is_sum_or_value(rest: str) -> bool:
    """Returns whether what stands behind the last sentence is a label with its value, or ends in a sum."""
    if _LABELLED.search(rest[-_TAIL:]):
        return True
    result = _EQUALS.search(rest)
    return result is not None and len(result[1].split()) <= _LONGEST_RESULT


def _is_value(line: str) -> bool:
    """Returns whether a line without a sentence is a label with its value, a gloss or a sum ("24 − 5 = 19 °C")."""
    if _GLOSS.search(line) or not _WORD.search(line):
        return True
    labels = [*_LABEL.finditer(line)]
    return bool(labels) and len(line[labels[-1].end() :].split()) <= _LONGEST_VALUE


def ends_no_sentence(word: str, language: str) -> bool:
    """Returns whether more has to follow after a word, such as "the" and "and"."""
    return word in _CERTAIN.get(primary_subtag(language), frozenset())


def _goes_on(text: str, language: str) -> bool:
    found = _WORD.findall(text[-40:])
    known = _GOES_ON.get(primary_subtag(language), frozenset())
    return bool(found) and found[-1] in known and text.rstrip().endswith(found[-1])
