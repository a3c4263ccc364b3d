"""The gates for the questions of a lesson. Each is a pure function from a draft to findings with the gate's name.

The shape of a `Check` sees to it that a key is one of the choices, that these differ, and how many there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.language_recognition import is_named, language_name, other_language
from src.domain.lesson import Check
from src.domain.normal_form import normal_text, with_capitals
from src.domain.numerals import values, written
from src.domain.quality import choice_words
from src.domain.quality.choice_words import (
    ALL_OR_NONE,
    TWO_LETTERS,
    answer_told,
    means_true_and_false,
    true_and_false,
)
from src.domain.quality.concept_names import names
from src.domain.quality.draft import Draft
from src.domain.quality.key_texts import is_part
from src.domain.quality.own_words import own_words
from src.domain.quality.quotations import unquoted
from src.domain.sentences import sentences
from src.domain.words import NO_SPACES, carries_content, content_stems, words

LONGER = 1.6
"""How many times as long as the longest wrong choice the right one may be, at most."""
LONGER_BY = 15
"""How many characters longer than the longest wrong choice the right one may be, whatever `LONGER` says."""
SAME_QUESTION = 0.85
"""Two questions ask the same if they share this part of their words, or more."""
FEWEST_TO_BALANCE = 3
"""If a lesson has so many true-or-false questions, both keys must occur."""
FEWEST_OF_A_COURSE = 5
"""If a course has so many true-or-false questions, both keys must occur."""

# What a key that is worked out has: numbers, formulas and code, of which the question has some too.
_WORKED_OUT = regex.compile(r"[\p{N}\p{Sm}$`^]|\\[(\[]")
_FIGURE = regex.compile(r"\p{N}+(?:[.,]\p{N}+)*|[\p{Sm}/^]|(?<![\p{L}\p{M}])-|-(?![\p{L}\p{M}])")
_GAP = regex.compile(r"_{2,}|…|\.{3}")
_COLON = regex.compile(r"\s*[:：]\s*")
_CODE_OR_EMPHASIS = regex.compile(r"`[^`]*`|\*[^*\n]+\*|\$[^$\n]+\$")

_FEWEST_LETTERS = 4
"""A word of so many letters is the same in capitals; shorter ones may be signs of genes, elements or units."""
_UNSAID = regex.compile(r"[\s\"'“”‘’]+|[.。।։።។]+(?=[\s\"'”’]*$)")


def longest_is_key(draft: Draft) -> Iterator[Finding]:
    """Finds a right choice that stands out by its length."""
    for number, check in enumerate(draft.text.checks, start=1):
        if check.kind != "multiple_choice" or check.choices is None:
            continue
        longest_wrong = max(len(choice) for choice in check.choices if choice != check.answer)
        if len(check.answer) > max(LONGER * longest_wrong, longest_wrong + LONGER_BY):
            yield soft(
                "longest_is_key",
                f"checks.{number}",
                f"the right choice stands out by its length: {excerpt(check.answer)}",
            )


def shortest_is_key(draft: Draft) -> Iterator[Finding]:
    """Finds a right choice that all others are much longer than."""
    for number, check in enumerate(draft.text.checks, start=1):
        if check.kind != "multiple_choice" or check.choices is None:
            continue
        shortest_wrong = min(len(choice) for choice in check.choices if choice != check.answer)
        if shortest_wrong > max(LONGER * len(check.answer), len(check.answer) + LONGER_BY):
            message = f"the right choice stands out, as it is so short: {excerpt(check.answer)}"
            yield soft("shortest_is_key", f"checks.{number}", message)


def stem_gives_answer(draft: Draft) -> Iterator[Finding]:
    """Finds questions that have the words of the right choice together, and none of a wrong one's.

    A key that is worked out may be a figure of the question, and so may what rises or falls; a single word counts if it
    is a term of the lesson. What is quoted is asked about, and a sentence with a gap may have the word elsewhere too.
    """
    language = draft.brief.language
    terms = [*draft.plan.key_concepts, *(term.term for term in draft.text.key_terms)]
    for number, check in enumerate(draft.text.checks, start=1):
        if check.kind != "multiple_choice" or check.choices is None:
            continue
        if _WORKED_OUT.search(check.answer) or _GAP.search(check.question):
            continue
        asked = _CODE_OR_EMPHASIS.sub(" … ", unquoted(sentences(check.question)[-1].text))
        key = _bare(check.answer, language)
        if not names(asked, key, language) or values(check.answer, language):
            continue
        is_term = any(names(term, key, language) for term in terms)
        given, own = set(content_stems(asked, language)), set(content_stems(key, language))
        wrong = [choice for choice in check.choices if choice != check.answer]
        if (len(own) > 1 or is_term) and not any((set(content_stems(it, language)) - own) & given for it in wrong):
            yield soft("stem_gives_answer", f"checks.{number}", f"the question has its answer in it: {excerpt(key)}")


def _bare(choice: str, language: str) -> str:
    """Returns the words of a choice without the function words around them."""
    found = list(words(choice))
    if NO_SPACES.search(choice):
        return choice
    while len(found) > 1 and not carries_content(found[0], language):
        found.pop(0)
    while len(found) > 1 and not carries_content(found[-1], language):
        found.pop()
    return " ".join(found)


def all_or_none(draft: Draft) -> Iterator[Finding]:
    """Finds choices such as "all of the above". They test how tests are made, and mean nothing once shuffled."""
    for number, check in enumerate(draft.text.checks, start=1):
        for choice in check.choices or ():
            if ALL_OR_NONE.search(choice) or _is_pair_of_letters(choice, check):
                yield soft("all_or_none", f"checks.{number}", f"no choice may speak of the others: {excerpt(choice)}")


def _is_pair_of_letters(choice: str, check: Check) -> bool:
    """Returns whether a choice is two letters of choices, such as "A and B", and not two names that are letters."""
    found, choices = TWO_LETTERS.match(choice), check.choices or ()
    if not found or 2 * sum(TWO_LETTERS.match(other) is not None for other in choices) >= len(choices):
        return False
    return not any(
        _is_a_name(letter, text)
        for letter in (found["first"], found["second"])
        for text in (check.question, *(other for other in choices if other != choice))
    )


def _is_a_name(letter: str, text: str) -> bool:
    """Returns whether a letter stands in a text as a word; at its beginning it may be an article."""
    word = rf"(?:(?<=\S\s){letter}|(?<![\p{{L}}\p{{N}}]){letter}(?!\s\p{{Ll}}))(?![\p{{L}}\p{{M}}\p{{N}}])"
    return regex.search(word, text) is not None


def duplicate_question(draft: Draft) -> Iterator[Finding]:
    """Finds two questions that ask the same. With other figures or signs, or these in another order, they don't."""
    asked: list[_Question] = []
    for number, check in enumerate(draft.text.checks, start=1):
        own = _Question.of(number, check, draft.brief.language)
        for earlier in asked:
            if own.asks_the_same(earlier):
                message = f"this asks the same as question {earlier.number}: {excerpt(check.question)}"
                yield soft("duplicate_question", f"checks.{number}", message)
        asked.append(own)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a question asks, for comparing it with others."""

    number: int
    stems: frozenset[str]
    parts: frozenset[str]
    """Its sentences, and what stands before and after a colon."""
    figures: tuple[str, ...]
    answer: str | None
    """None for a statement: many of them are true."""

    @classmethod
    def of(cls, number: int, check: Check, language: str) -> Self:
        return cls(
            number,
            frozenset(content_stems(check.question, language)).union(
                it.text for it in written(check.question, language)
            ),
            frozenset(part for it in sentences(check.question) for part in _COLON.split(normal_text(it.text))),
            tuple(_FIGURE.findall(normal_text(check.question))),
            None if check.kind == "true_false" else check.answer.casefold(),
        )

    def asks_the_same(self, other: Self) -> bool:
        if self.figures and other.figures and self.figures != other.figures:
            return False
        shared, sizes = len(self.stems & other.stems), (len(self.stems), len(other.stems))
        if not shared:
            return False
        if shared >= SAME_QUESTION * max(sizes) or self.parts <= other.parts or other.parts <= self.parts:
            return True
        return self.answer is not None and self.answer == other.answer and shared == min(sizes)


def question_language(draft: Draft) -> Iterator[Finding]:
    """Finds questions in another language than the lesson's.

    Choices are no sentences: they may all be names, titles or words of the language that is taught. So a question is
    judged by what it asks and explains.
    """
    language = draft.brief.language
    for number, check in enumerate(draft.text.checks, start=1):
        text = own_words(_without_choices(f"{check.question}\n{check.explanation}", check))
        other = other_language(text, language)
        if other and not is_named(other, draft.subject, language):
            yield hard(
                "question_language", f"checks.{number}", f"the question is in {other}, not in {language_name(language)}"
            )


def _without_choices(text: str, check: Check) -> str:
    """Returns a text without the choices of a question, which stand for themselves in it."""
    for choice in sorted({check.answer, *(check.choices or ())}, key=len, reverse=True):
        pieces = text.split(choice)
        text = pieces[0]
        for piece in pieces[1:]:
            # Of "a" only the word goes, and not the letter of others.
            is_inside = is_part(text[-1:]) or is_part(piece[:1])
            text += f"{choice if is_inside and not NO_SPACES.search(choice) else ' '}{piece}"
    return text


def letter_named(draft: Draft) -> Iterator[Finding]:
    """Finds letters of choices in a question or its explanation: choices get letters only once they are placed."""
    for number, check in enumerate(draft.text.checks, start=1):
        if check.choices is None:
            continue
        elsewhere = draft.lesson_text
        for text in (check.question, check.explanation):
            found = choice_words.letter_named(text)
            if found and not _is_known(found, elsewhere, check.choices):
                message = f"name the choice by its words: {excerpt(found.group())}"
                yield hard("letter_named", f"checks.{number}", message)
                break
            elsewhere += f"\n{check.question}"


def _is_known(named: regex.Match[str], elsewhere: str, choices: Sequence[str]) -> bool:
    """Returns whether a letter is a name of something: it stands in a choice, or text elsewhere has the same words."""
    if any(_is_a_name(named["letter"], choice) for choice in choices):
        return True
    phrase = regex.escape(named.group()) + r"(?![\p{L}\p{M}\p{N}])"
    return regex.search(phrase, elsewhere, regex.IGNORECASE) is not None


def explanation_contradicts(draft: Draft) -> Iterator[Finding]:
    """Finds explanations that call another choice than the key the answer, as in "The answer is …"."""
    for number, check in enumerate(draft.text.checks, start=1):
        told = answer_told(check.explanation, check.choices or ())
        if told not in (None, check.answer):
            message = f"the key is {excerpt(check.answer)}, but the explanation calls {excerpt(str(told))} the answer"
            yield hard("explanation_contradicts", f"checks.{number}", message)


def choices_alike(draft: Draft) -> Iterator[Finding]:
    """Finds choices that differ only in how they are set, or in a full stop, so that two of them would be right."""
    for number, check in enumerate(draft.text.checks, start=1):
        known: dict[str, str] = {}
        for choice in check.choices or ():
            alike = known.setdefault(_said(choice), choice)
            if alike != choice:
                message = f"{excerpt(choice)} says the same as {excerpt(alike)}"
                yield soft("choices_alike", f"checks.{number}", message)


def _said(choice: str) -> str:
    """Returns what a choice says: its normal form without quotation marks, spaces and the mark at its end.

    Any other sign may be what is asked for: -2 is not 2, nor is `<p>` `</p>`, or a question an exclamation. Code is
    what it is, sign by sign, whatever stands around it.
    """
    if "`" in choice:
        return choice.strip(' \n*"“”.')
    is_sign = all(len(word) < _FEWEST_LETTERS for word in words(choice))  # Tt isn't tt, nor Co CO
    return _UNSAID.sub("", with_capitals(choice) if is_sign else normal_text(choice)) or choice


def not_true_and_false(draft: Draft) -> Iterator[Finding]:
    """Finds true-or-false questions whose choices are something else, or stand the wrong way round."""
    usual = true_and_false(draft.brief.language)
    for number, check in enumerate(draft.text.checks, start=1):
        if usual is None or check.kind != "true_false" or check.choices is None:
            continue
        if not means_true_and_false(check.choices, check.question):
            message = f"the choices must be {' and '.join(usual)}, in this order"
            yield soft("not_true_and_false", f"checks.{number}", message)


def one_sided_keys(draft: Draft) -> Iterator[Finding]:
    """Finds true-or-false questions that all have the same key, which needs no lesson. Of two, that may be chance."""
    asked = {number: check for number, check in enumerate(draft.text.checks, start=1) if check.kind == "true_false"}
    keys = [check.answer for check in asked.values()]
    if len(keys) >= FEWEST_TO_BALANCE and len({key.casefold() for key in keys}) == 1:
        message = f"all {len(keys)} true_false questions have the key {excerpt(keys[0])}: turn a statement round"
        yield soft("one_sided_keys", f"checks.{max(asked)}", message)


def one_sided_course(draft: Draft) -> Iterator[Finding]:
    """Finds that all true-or-false questions of a course have one key, once every other lesson is known.

    So only one lesson is asked to turn a statement round: the one that is reviewed last. It is none that
    `one_sided_keys` speaks of.
    """
    own = [(number, check) for number, check in enumerate(draft.text.checks, start=1) if check.kind == "true_false"]
    if not 0 < len(own) < FEWEST_TO_BALANCE or len(draft.statements) < draft.brief.num_lessons - 1:
        return
    keys = [check.key == 1 for _, check in own] + [key for known in draft.statements.values() for key in known]
    if len(keys) >= FEWEST_OF_A_COURSE and len(set(keys)) == 1:
        number, check = own[-1]
        message = f"all {len(keys)} true_false questions of the course have the key {excerpt(check.answer)}"
        yield soft("one_sided_course", f"checks.{number}", f"{message}: turn this statement round")


QUESTION_GATES = (
    longest_is_key,
    shortest_is_key,
    stem_gives_answer,
    all_or_none,
    duplicate_question,
    question_language,
    letter_named,
    explanation_contradicts,
    choices_alike,
    not_true_and_false,
    one_sided_keys,
    one_sided_course,
)
