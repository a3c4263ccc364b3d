"""What the judges of answer keys share: verdicts, and a question with what the lesson says about it.

A verdict is hard only where the evidence surely says something else than the key, and none at all is found where the
texts can't be understood. Only a key that the evidence bears out is proven.
"""

import math
import unicodedata
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache

import regex

from src.domain.language_tag import primary_subtag
from src.domain.lesson import Check
from src.domain.normal_form import normal_text
from src.domain.number_words import MINUS
from src.domain.numerals import Numeral, is_given, values, written
from src.domain.quality.draft import plain
from src.domain.words import NO_SPACES, carries_content, content_stems, negations, stem, words


class Standing(Enum):
    """How a key stands before its evidence."""

    PROVEN = "proven"
    """The evidence bears it out."""
    OPEN = "open"
    """It can't be told from what is written, which is no fault: code, a formula, a calculation, other words."""
    UNPROVEN = "unproven"
    """The evidence seems to have nothing to do with the key."""
    REFUTED = "refuted"
    """The evidence says something else."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a key."""

    standing: Standing
    reason: str = ""
    """Why the key isn't believed; empty if it is, or if nothing can be told."""


PROVEN = Verdict(Standing.PROVEN)
OPEN = Verdict(Standing.OPEN)


def unproven(reason: str) -> Verdict:
    """Returns the verdict on a key that the evidence seems to have nothing to do with."""
    return Verdict(Standing.UNPROVEN, reason)


def refuted(reason: str) -> Verdict:
    """Returns the verdict on a key against which the evidence speaks."""
    return Verdict(Standing.REFUTED, reason)


# A pair of characters of a script without spaces is shared by chance, the more so if it writes by sounds; and so is a
# number, the more so if it is small.
_SYLLABIC = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_WEIGHT_OF_SOUNDS, _WEIGHT_OF_A_PAIR, _WEIGHT_OF_A_DIGIT, _WEIGHT_OF_A_NUMBER = 1 / 6, 1 / 3, 1 / 4, 1 / 2
_END = regex.compile(r"[\p{Sentence_Break=STerm}\p{Sentence_Break=ATerm}\n]+")
_MOST_NUMBERS = 16
_SMALLEST_RESULT = 10
"""Smaller numbers are the result of some step of arithmetic with nearly any others."""
_ROUNDED_BY = 0.006
"""By what share a result may be rounded: to three digits, with a little to spare for two steps."""
_LARGEST_BASE, _LARGEST_EXPONENT = 1000, 12
_FEWEST_SENTENCES = 20  # in fewer, it cannot be told which words are rare
LEAST_KNOWN = 0.5
"""The share of the words of a question and its answer that the lesson has, if the question is about the lesson."""
# How much the words that question and evidence share must tell, at least, where the lesson has few of the question's:
# together with something else that speaks for the evidence, and alone. By the corpus and faults planted in it.
_LEAST_BOND = 0.6
_LEAST_BOND_ALONE = 4


@dataclass(frozen=True)
class Asked:
    """A question with its evidence, and the sentences of the lesson around that."""

    check: Check
    language: str
    evidence: str
    """The evidence, and what it introduces if it ends with a colon."""
    around: str
    """The sentences of the lesson beside the evidence."""
    lesson: str
    """Everything in the lesson that an answer may rest on."""

    @cached_property
    def explanation(self) -> str:
        """The explanation as it is read aloud."""
        return plain(self.check.explanation)

    @cached_property
    def given(self) -> frozenset[str]:
        """The values of all numbers of the evidence."""
        return given_values(self.evidence, self.language)

    @cached_property
    def knows_negations(self) -> bool:
        """Whether it can be told what is denied in the lesson's language."""
        return negations("", self.language) is not None

    def links(self, first: str, second: str, without: str = "") -> float:
        """Returns how many words or numbers that carry content two texts share, besides those of a third one."""
        return sum(map(_weight, self._shared(first, second, without)))

    def bond(self, first: str, second: str, without: str = "") -> float:
        """Returns how much the words that two texts share tell: a word the more, the rarer it is.

        It is the sum of the words' inverse document frequencies, as if no word stood twice in a sentence.
        """
        counted, size = _frequencies(self.lesson, self.language)
        shared = self._shared(first, second, without)
        return sum(_weight(word) * max(0.0, math.log(size / max(counted[word], 1))) for word in shared)

    def _shared(self, first: str, second: str, without: str) -> frozenset[str]:
        return told(first, self.language) & told(second, self.language) - told(without, self.language)

    def is_about_the_question(self, is_proven: bool) -> bool:
        """Returns whether the evidence may have to do with the question, and the question with the lesson.

        Less is asked of an evidence that bears out the key, and where words can't be told, or numbers are worked out.
        """
        check = self.check
        label = "\n".join(check.choices or ()) if check.kind == "true_false" else ""
        own = told(f"{check.question}\n{check.answer}", self.language) - told(label, self.language)
        known = len(own & told(self.lesson, self.language))
        whole = f"{check.question}\n{check.answer}\n{check.explanation}"
        bond = self.bond(whole, self.evidence, label)
        if known < LEAST_KNOWN * len(own):
            is_there = normal_text(check.answer) in normal_text(self.evidence)
            lenient = is_proven or is_there or NO_SPACES.search(whole) or numerals(check.answer, self.language)
            return bond >= (_LEAST_BOND if lenient else _LEAST_BOND_ALONE)
        return bond > 0 or known > LEAST_KNOWN * len(own) or self.bond(whole, self.around, label) >= _LEAST_BOND_ALONE

    def is_calculated(self, text: str, steps: bool = True) -> bool:
        """Returns whether the numbers of a text that the evidence hasn't may be worked out from those that it has.

        They are if the explanation gives them beside such a number; or, with `steps`, if one step of arithmetic leads
        to them from a number of question or evidence and another one, which the explanation may give.
        """
        known = self.given
        if text != self.check.question:
            known |= given_values(self.check.question, self.language)
        missing = [number for number in numerals(text, self.language) if not is_given(number, known)]
        explained = given_values(self.check.explanation, self.language)
        beside = bool(explained & known)
        return all(
            (beside and is_given(number, explained))
            or (steps and _is_one_step(number.readings, known, explained - number.readings))
            for number in missing
        )


def _weight(word: str) -> float:
    """Returns how much it tells that two texts share a word or number, from 0 to 1."""
    if NO_SPACES.match(word):
        return _WEIGHT_OF_SOUNDS if _SYLLABIC.match(word) else _WEIGHT_OF_A_PAIR
    if not word[-1].isdecimal():
        return 1
    return _WEIGHT_OF_A_DIGIT if len(word) == 1 else _WEIGHT_OF_A_NUMBER


@lru_cache(maxsize=2048)
def told(text: str, language: str) -> frozenset[str]:
    """Returns the stems of the words of a text that carry content, and the values of its numbers."""
    if primary_subtag(language) != "en":
        text = normal_text(text).replace("'", " ")  # l'eau, c'est
    found = {stem(word, language) for word in words(text) if carries_content(word, language)}
    return frozenset(found) | {value for value in given_values(text, language) if value not in ("0", "1")}


@lru_cache(maxsize=2048)
def all_stems(text: str, language: str) -> frozenset[str]:
    """Returns the stems of all words of a text."""
    return frozenset(stem(word, language) for word in words(text))


@lru_cache(maxsize=8)
def _frequencies(lesson: str, language: str) -> tuple[Counter[str], int]:
    """Returns how often each word stands in a lesson, and about how many sentences there are."""
    counted = Counter(stem(word, language) for word in words(lesson) if carries_content(word, language))
    return counted, max(len(_END.findall(lesson)), _FEWEST_SENTENCES)


def is_part(character: str) -> bool:
    """Returns whether a character is a part of a word or number; False for none."""
    return character.isalnum() or (character != "" and unicodedata.category(character).startswith("M"))


# What is written for a minus before a number.
_MINUS = regex.compile(rf"(?:{MINUS})\s*(?=\p{{Nd}})", regex.IGNORECASE)


# The index or power of a letter, as in x_1, H₂O and m², is no number.
_INDEX = regex.compile(r"(?<=\p{L})(?:[_^](?:\{[-+]?\p{Nd}+[-+]?\}|\p{Nd})|[₀-₉⁰¹²³⁴-⁹]+)")


@lru_cache(maxsize=2048)
def given_values(text: str, language: str) -> frozenset[str]:
    """Returns the values of the numbers of a text, with those whose minus is a word."""
    text = _INDEX.sub("", text)
    found = values(text, language)
    return found | values(_MINUS.sub(" -", text), language) if _MINUS.search(text) else found


def numerals(text: str, language: str) -> tuple[Numeral, ...]:
    """Returns the numbers that a text writes in digits, but for indices and powers of letters."""
    return written(_INDEX.sub("", text), language)


def _is_one_step(readings: frozenset[str], known: frozenset[str], explained: frozenset[str]) -> bool:
    numbers = [number for number in map(_number, sorted(known)) if number is not None][:_MOST_NUMBERS]
    others = numbers + [number for number in map(_number, sorted(explained)) if number is not None][:_MOST_NUMBERS]
    wanted = [number for number in map(_number, readings) if number is not None and abs(number) >= _SMALLEST_RESULT]
    return any(
        abs(target - result) <= _ROUNDED_BY * abs(target)
        for target in wanted
        for a in numbers
        for b in others
        if a != b
        for result in (*_results(a, b), b - a)
    )


def _results(a: float, b: float) -> tuple[float, ...]:
    results = [a + b, a - b, a * b, a * b / 100]
    if b:
        results.append(a / b)
    if 0 < a < _LARGEST_BASE and 0 <= b <= _LARGEST_EXPONENT:
        results.append(a**b)
    return tuple(results)


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


CONTRAST = regex.compile(
    r"\b(?:unlike|instead|rather|than|whereas|but|however|although|though|except|while|statt|anders|gegensatz|sondern|aber"
    r"|während|außer|contrairement|plutôt|mais|tandis|diferencia|sino|pero|mientras|contrário|mas|enquanto|invece|però"
    r"|отличие|вместо|но|хотя|тогда|αντί|αλλά|ενώ|ama|ancak|ise)\b"
    r"|לעומת|אבל|אלא|بخلاف|لكن|بل|بينما|लेकिन|परंतु|किंतु|बल्कि|जबकि|但|而|却|が、|しかし|지만|그러나|แต่|ប៉ុន្តែ",
    regex.IGNORECASE,
)
"""Words beside which something else may stand than what is spoken of."""
# Questions for what isn't so, besides those with a negation.
_EXCEPT = regex.compile(
    r"\b(?:except|false|incorrect|wrong|least|odd|außer|falsch\w*|sauf|faux|fausse|excepto|fals[oa]s?|eccetto|behalve|onjuist"
    r"|неверн\w*|кроме|εκτός|λάθος|değil\w*|yanlış\w*|չ\w+|ያል\w+|אינ\w*|שגוי\w*)\b"
    r"|गलत|ग़लत|छोड़कर|خطأ|عدا|除了|错误|錯誤|誤|以外|아닌|않은|틀린|제외|ยกเว้น|ผิด",
    regex.IGNORECASE,
)


_WHY = regex.compile(
    r"\b(?:why|warum|wieso|weshalb|pourquoi|por qu[eé]|perché|waarom|почему|зачем|γιατί|neden|niçin|ինչու)\b"
    r"|מדוע|למה|لماذا|क्यों|为什么|為什麼|なぜ|왜|까닭|ทำไม|ហេតុអ្វី|ለምን",
    regex.IGNORECASE,
)


def is_negative(question: str, evidence: str, language: str) -> bool:
    """Returns whether a question asks for what is not so, and its evidence doesn't say just that."""
    if _WHY.search(question):
        return False
    asked = (negations(question, language) or 0) + len(_EXCEPT.findall(normal_text(question)))
    if NO_SPACES.search(question):
        return asked > 0  # there a sign may stand for a negation and for much else
    return asked > (negations(evidence, language) or 0)


_NO_PROSE = regex.compile(r"[`$\\|=<>{}→⇌]|^\s*[-*+] |\n")
_FEWEST_WORDS_OF_PROSE = 4
"""A shorter text, all of whose words carry content, may well be a sentence."""


def is_prose(text: str, language: str) -> bool:
    """Returns whether a text is in sentences of the language, and no code, formula, table, list of names or verse."""
    if _NO_PROSE.search(text):
        return False
    stems = tuple(stem(word, language) for word in words(text))
    return len(stems) < _FEWEST_WORDS_OF_PROSE or content_stems(text, language) != stems


def is_order_of_words(language: str) -> bool:
    """Returns whether the order of words says in a language who does what, and not their endings."""
    return primary_subtag(language) in _BY_ORDER


_BY_ORDER = frozenset("en fr es pt it nl ca ro sv da nb no zh th km lo vi id ms he ar".split())  # noqa: SIM905
