"""Judges the key of a multiple-choice question: its evidence must speak of it, and of no other choice."""

from dataclasses import dataclass
from functools import lru_cache

import regex

from src.domain.finding import excerpt
from src.domain.normal_form import normal_text
from src.domain.number_words import language_of
from src.domain.numerals import Numeral, other_units
from src.domain.quality.key_texts import (
    CONTRAST,
    OPEN,
    PROVEN,
    Asked,
    Verdict,
    all_stems,
    given_values,
    is_negative,
    is_part,
    is_prose,
    numerals,
    refuted,
    told,
    unproven,
)
from src.domain.words import NO_SPACES, carries_content, content_stems, negations, words

_CLAUSE = regex.compile(r"[,;:()|–—،؛、，；：·]|\.\s|\s-\s|\b(?:and|but|und|et|y|e|и|και)\b")
_FORMULA_ALONE = regex.compile(r"^\s*(?:\$\$|\\\[)|[:：]\s*(?:\$\$|\\\[)")
_GAP = regex.compile(r"(?:^|[.?!:]\s+)(?P<before>[^.?!:_]*)_{2,}(?P<after>[^.?!:_]*)")
_NEAR = 0.5
_LEAST_SHARE = 0.25
"""So much of a choice stands in many a sentence by chance."""
_LEAST_BOND = 5
"""How much the words that evidence and question share must tell, at least, where the evidence names no choice."""


@dataclass(frozen=True, slots=True)
class _Mention:
    """How far a text speaks of a choice."""

    share: float
    """The part of the words and numbers that tell the choice from the others."""
    is_exact: bool
    """Whether the choice stands there as it is."""

    @property
    def rank(self) -> float:
        return self.share + self.is_exact

    @property
    def is_full(self) -> bool:
        return self.is_exact or self.share == 1


def choice_verdict(asked: Asked) -> Verdict:
    """Returns what the evidence says of the key of a multiple-choice question."""
    check = asked.check
    assert check.choices is not None
    if (filled := _filled(asked)) is not None:
        return PROVEN if filled == check.answer else refuted(_told_of(check.answer, filled))
    mentions = {choice: mention(choice, asked.evidence, asked) for choice in check.choices}
    if is_negative(check.question, asked.evidence, asked.language):
        return _verdict_on_exception(asked, mentions)
    key = mentions[check.answer]
    wrong = max((choice for choice in check.choices if choice != check.answer), key=lambda it: mentions[it].rank)
    other = mentions[wrong]
    if _is_in_the_question(check.answer, asked) and _stands_in(check.answer, asked.evidence):
        return OPEN
    if _is_in_the_question(check.answer, asked) and not other.is_exact:
        named = [it for it in check.choices if it != check.answer and _stands_in(it, asked.evidence)]
        if named and not numerals(check.answer, asked.language):
            return unproven(_told_of(check.answer, named[0]))
        return _verdict_on_silence(asked)
    if key.rank > other.rank:
        return _verdict_on_key(asked, key)
    if key.rank == other.rank and key.rank > 0:
        return _verdict_on_tie(asked, mentions)
    if other.rank > 0:
        return _verdict_on_other(asked, key, wrong, other)
    return _verdict_on_silence(asked)


def _told_of(key: str, other: str) -> str:
    return f"the key is {excerpt(key)}, but the evidence speaks of {excerpt(other)}"


def _filled(asked: Asked) -> str | None:
    """Returns the choice with which the evidence fills the gap of a question; None if it has no gap, or none fits."""
    found = _GAP.search(asked.check.question)
    if found is None:
        return None
    evidence = normal_text(asked.evidence)
    fitting = [
        choice
        for choice in asked.check.choices or ()
        if normal_text(f"{found['before']}{choice}{found['after']}").strip(" .\"'") in evidence
    ]
    return fitting[0] if len(fitting) == 1 and found["before"] + found["after"] != "" else None


def _verdict_on_exception(asked: Asked, mentions: dict[str, _Mention]) -> Verdict:
    """Returns the verdict on a question for what is not so: the evidence may name all that is."""
    key, others = asked.check.answer, [choice for choice in mentions if choice != asked.check.answer]
    named = [choice for choice in others if mentions[choice].is_full]
    unnamed = [choice for choice in others if not mentions[choice].rank]
    if mentions[key].is_full and len(named) == len(others) - 1 and unnamed and len(others) > 1:
        return refuted(f"the key is {excerpt(key)}, but the evidence speaks of all choices but {excerpt(unnamed[0])}")
    if len(named) == len(others) and not mentions[key].rank:
        return PROVEN
    if mentions[key].rank > 0 or any(it.rank > _NEAR for it in mentions.values()):
        return OPEN
    return _verdict_on_silence(asked)


def _verdict_on_key(asked: Asked, key: _Mention) -> Verdict:
    """Returns the verdict where the evidence speaks more of the key than of any other choice.

    A short one may stand there by chance, if the evidence has nothing else to do with the question.
    """
    check = asked.check
    own = _own(check.answer, asked)
    if len(own) > 1 and key.is_full:
        return PROVEN
    rest = f"{check.question}\n{check.explanation}"
    if asked.links(rest, asked.evidence, check.answer) >= 1 or asked.links(check.question, asked.around) >= 2:
        return PROVEN
    return OPEN


def _is_sure(asked: Asked, wrong: str) -> bool:
    """Returns whether an evidence that names a wrong choice alone can't mean the key.

    It may where it says that something is not so, or otherwise, where the key stands just before or behind it, and
    where the numbers of the question are to be worked with.
    """
    check, language = asked.check, asked.language
    if not asked.knows_negations or negations(asked.evidence, language) or CONTRAST.search(asked.evidence):
        return False
    if _differ_in_sign(asked, wrong):
        return True
    mine = given_values(check.answer, language)
    if len(numerals(check.question, language)) > 1 and mine:
        return False
    return not mention(check.answer, asked.around, asked).rank


def _differ_in_sign(asked: Asked, wrong: str) -> bool:
    """Returns whether the key and a wrong choice are the same but for signs."""
    mine, its = (given_values(choice, asked.language) for choice in (asked.check.answer, wrong))
    return bool(mine) and {value.lstrip("-") for value in mine} == {value.lstrip("-") for value in its}


def _is_step(number: str, asked: Asked) -> bool:
    """Returns whether the explanation begins with the key, and comes to it by way of another number."""
    explanation = normal_text(asked.check.explanation)
    given = given_values(asked.check.explanation, asked.language)
    steps = given_values(number, asked.language)
    return explanation.startswith(normal_text(asked.check.answer)) and steps <= given


def _own(text: str, asked: Asked) -> tuple[str, ...]:
    return content_stems(text, asked.language)


def _verdict_on_tie(asked: Asked, mentions: dict[str, _Mention]) -> Verdict:
    """Returns the verdict where the evidence speaks of the key and of another choice: which is nearer the question?"""
    best = mentions[asked.check.answer].rank
    fitting = {choice: _fit(choice, asked) for choice, it in mentions.items() if it.rank == best}
    mine = fitting.pop(asked.check.answer)
    return PROVEN if mine > max(fitting.values()) else OPEN


def _fit(choice: str, asked: Asked) -> float:
    """Returns how much of the question stands in the clause that speaks of a choice."""
    question = told(asked.check.question, asked.language)
    fits = [
        len(question & told(clause, asked.language))
        for clause in _clauses(asked.evidence)
        if mention(choice, clause, asked).rank > 0
    ]
    return max(fits, default=0)


@lru_cache(maxsize=256)
def _clauses(text: str) -> tuple[str, ...]:
    return tuple(clause for clause in _CLAUSE.split(text) if clause and not clause.isspace())


def _verdict_on_other(asked: Asked, key: _Mention, wrong: str, other: _Mention) -> Verdict:
    """Returns the verdict where the evidence speaks more of a wrong choice than of the key."""
    check = asked.check
    reason = _told_of(check.answer, wrong)
    otherwise = _is_understood_otherwise(asked, wrong)
    if key.rank == 0 and other.is_full:
        if otherwise and _is_step(wrong, asked):
            return OPEN
        return refuted(reason) if not otherwise and _is_sure(asked, wrong) else unproven(reason)
    if key.rank > 0:
        if other.is_full and not key.is_full and _differ_in_sign(asked, wrong) and _is_sure(asked, wrong):
            return refuted(reason)  # what it has of the key is another number, such as that of "two roots"
        is_near = other.rank - key.rank <= _NEAR and not other.is_exact
        is_number = other.is_full and bool(numerals(check.answer, asked.language))
        return OPEN if is_near and not is_number else unproven(reason)
    if other.rank <= _NEAR:
        return _verdict_on_silence(asked)
    return OPEN if otherwise else unproven(reason)


def _is_understood_otherwise(asked: Asked, wrong: str) -> bool:
    """Returns whether the key may be meant though the evidence names a wrong choice and not the key.

    A number may be a step on the way to it; and what code, formulas and foreign words mean can't be told.
    """
    check = asked.check
    if numerals(check.answer, asked.language):
        return asked.is_calculated(check.answer)
    other = mention(wrong, asked.evidence, asked)
    return not is_prose(asked.evidence, asked.language) and not other.is_exact and other.share <= _NEAR


def _verdict_on_silence(asked: Asked) -> Verdict:
    """Returns the verdict where the evidence speaks of no choice."""
    check = asked.check
    if (unit := _other_unit(asked)) is not None:
        return refuted(f"the key is {excerpt(check.answer)}, but the evidence speaks of {excerpt(unit)}")
    explained = asked.bond(check.explanation, asked.evidence, check.answer)
    asking = asked.bond(check.question, asked.evidence)
    if explained + asking >= _LEAST_BOND or (explained + asking > 0 and _FORMULA_ALONE.search(asked.evidence)):
        return OPEN
    if numerals(check.answer, asked.language) and explained + asking >= 1 and asked.is_calculated(check.answer):
        return OPEN
    return unproven(f"the evidence {excerpt(asked.evidence)} speaks of no choice")


def _other_unit(asked: Asked) -> str | None:
    """Returns the unit of which the evidence speaks, where all choices are units and it names none of them."""
    units = language_of(asked.language).units
    assert asked.check.choices is not None
    own = [_unit(choice, asked.language) for choice in asked.check.choices]
    if not all(own) or asked.links(asked.check.question, asked.evidence) < 2:
        return None
    named = [word for word in words(asked.evidence) if len(word) > 2 and word in units]
    return next((word for word in named if units[word] not in own), None)


def _unit(choice: str, language: str) -> str | None:
    units = language_of(language).units
    carrying = [word for word in words(choice) if carries_content(word, language)]
    return units.get(carrying[0]) if len(carrying) == 1 else None


@lru_cache(maxsize=2048)
def _telling(choice: str, asked: Asked) -> tuple[tuple[str, ...], tuple[Numeral, ...]]:
    """Returns the words and numbers that tell a choice from the others, and that the question hasn't."""
    language, question = asked.language, asked.check.question
    assert asked.check.choices is not None
    shared = set.intersection(*(set(content_stems(other, language)) for other in asked.check.choices))
    known = set(content_stems(question, language)) | shared
    own = tuple(word for word in content_stems(choice, language) if word not in known and not word[0].isdecimal())
    given = given_values(question, language)
    everywhere = frozenset.intersection(*(given_values(other, language) for other in asked.check.choices))
    return own, tuple(it for it in numerals(choice, language) if not it.readings & (given | everywhere))


def mention(choice: str, text: str, asked: Asked) -> _Mention:
    """Returns how far a text speaks of a choice."""
    language = asked.language
    own, numbers = _telling(choice, asked)
    stems, given = all_stems(text, language), given_values(text, language)
    differing = set(other_units(choice, text, language))
    found = sum(word in stems for word in own)
    found += sum(bool(number.readings & given) and number.text not in differing for number in numbers)
    share = found / (len(own) + len(numbers)) if own or numbers else 0.0
    is_exact = _stands_in(choice, text) and not differing and not _is_in_the_question(choice, asked)
    return _Mention(share if share >= _LEAST_SHARE else 0.0, is_exact)


def _is_in_the_question(choice: str, asked: Asked) -> bool:
    """Returns whether the question has all words of a choice, so that they tell nothing."""
    return not any(_telling(choice, asked)) and set(_own(choice, asked)) <= set(_own(asked.check.question, asked))


@lru_cache(maxsize=4096)
def _stands_in(choice: str, text: str) -> bool:
    """Returns whether a choice stands in a text as it is, and not as a part of a longer word or number."""
    wanted, given = normal_text(choice).rstrip(" .。"), normal_text(text)
    start = given.find(wanted) if wanted else -1
    while start >= 0:
        if NO_SPACES.search(wanted) or _stands_alone(given, start, start + len(wanted)):
            return True
        start = given.find(wanted, start + 1)
    return False


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if text[start].isalnum() and (is_part(before[-1:]) or before[-1:] == "^"):
        return False
    if text[start].isdecimal() and (before[-1:] == "-" or (before[-1:] in (".", ",") and before[:1].isdecimal())):
        return False
    if not text[end - 1].isalnum():
        return True
    is_longer = is_part(after[:1]) or after[:1] == "^" or (after[:1] in (".", ",") and after[1:].isdecimal())
    return not is_longer
