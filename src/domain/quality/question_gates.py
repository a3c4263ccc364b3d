"""The gates for the questions of a lesson. Each is a pure function from a draft to findings with the gate's name.

The shape of a `Check` sees to it that a key is one of the choices, that these differ, and how many there are.
"""

from collections.abc import Iterator

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.language_recognition import language_name, other_language
from src.domain.lesson import Check
from src.domain.normal_form import normal_text
from src.domain.numerals import values, written
from src.domain.quality.choice_words import (
    ALL_OR_NONE,
    LETTER_NAMED,
    TWO_LETTERS,
    answer_told,
    means_true_and_false,
    true_and_false,
)
from src.domain.quality.concept_names import names
from src.domain.quality.draft import Draft, unquoted
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
_WORKED_OUT = regex.compile(r"[\p{N}$`=<>^]|\\[(\[]")
_FIGURE = regex.compile(r"\p{N}+(?:[.,]\p{N}+)*|[+×÷/=<>≤≥≠^√∫±|→⇌]|(?<![\p{L}\p{M}])-|-(?![\p{L}\p{M}])")
_CODE_OR_EMPHASIS = regex.compile(r"`[^`]*`|\*[^*\n]+\*|\$[^$\n]+\$")


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
    is a term of the lesson. What is quoted is asked about.
    """
    language = draft.brief.language
    terms = [*draft.plan.key_concepts, *(term.term for term in draft.text.key_terms)]
    for number, check in enumerate(draft.text.checks, start=1):
        if check.kind != "multiple_choice" or check.choices is None or _WORKED_OUT.search(check.answer):
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
    found = TWO_LETTERS.match(choice)
    if not found:
        return False
    return not any(
        _is_a_name(letter, text)
        for letter in (found["first"], found["second"])
        for text in (check.question, *(other for other in check.choices or () if other != choice))
    )


def _is_a_name(letter: str, text: str) -> bool:
    """Returns whether a letter stands in a text as a word; at its beginning it may be an article."""
    return bool(
        regex.search(rf"(?:(?<=\S\s){letter}|(?<![\p{{L}}\p{{N}}]){letter}(?!\s\p{{Ll}}))(?![\p{{L}}\p{{N}}])", text)
    )


def duplicate_question(draft: Draft) -> Iterator[Finding]:
    """Finds two questions that ask the same. With other figures, signs or another order of them, they don't."""
    language = draft.brief.language
    asked: list[tuple[int, set[str], list[str], str]] = []
    for number, check in enumerate(draft.text.checks, start=1):
        own = set(content_stems(check.question, language))
        own |= {it.text for it in written(check.question, language)}
        figures = _FIGURE.findall(normal_text(check.question))
        for earlier, other, its_figures, answer in asked:
            if figures and its_figures and figures != its_figures:
                continue
            shared = len(own & other)
            is_said_in_more_words = answer == check.answer.casefold() and shared == min(len(own), len(other))
            if own and (shared >= SAME_QUESTION * max(len(own), len(other)) or is_said_in_more_words):
                yield soft(
                    "duplicate_question",
                    f"checks.{number}",
                    f"this asks the same as question {earlier}: {excerpt(check.question)}",
                )
        asked.append((number, own, figures, check.answer.casefold() if check.kind != "true_false" else ""))


def question_language(draft: Draft) -> Iterator[Finding]:
    """Finds questions in another language than the lesson's."""
    language = draft.brief.language
    for number, check in enumerate(draft.text.checks, start=1):
        text = " ".join((check.question, *(check.choices or ()), check.answer, check.explanation))
        if other := other_language(text, language):
            yield hard(
                "question_language", f"checks.{number}", f"the question is in {other}, not in {language_name(language)}"
            )


def letter_named(draft: Draft) -> Iterator[Finding]:
    """Finds letters of choices in a question or its explanation: choices get letters only once they are placed.

    A letter that stands in a choice, or is spoken of in the same words by question or lesson, is a name of something.
    """
    lesson_text = draft.lesson_text.casefold()
    for number, check in enumerate(draft.text.checks, start=1):
        for text, known in (
            (check.question, lesson_text),
            (check.explanation, lesson_text + check.question.casefold()),
        ):
            found = LETTER_NAMED.search(text) if check.choices else None
            if found is None or found.group().casefold() in known:
                continue
            if not any(_is_a_name(found["letter"], choice) for choice in check.choices or ()):
                yield hard(
                    "letter_named", f"checks.{number}", f"name the choice by its words: {excerpt(found.group())}"
                )
                break


def explanation_contradicts(draft: Draft) -> Iterator[Finding]:
    """Finds explanations that call another choice than the key the answer, as in "The answer is …"."""
    for number, check in enumerate(draft.text.checks, start=1):
        told = answer_told(check.explanation, check.choices or ())
        if told not in (None, check.answer):
            message = f"the key is {excerpt(check.answer)}, but the explanation calls {excerpt(str(told))} the answer"
            yield hard("explanation_contradicts", f"checks.{number}", message)


def choices_alike(draft: Draft) -> Iterator[Finding]:
    """Finds choices that differ only in signs, so that two of them would be right."""
    for number, check in enumerate(draft.text.checks, start=1):
        known: dict[tuple[str, ...], str] = {}
        for choice in check.choices or ():
            alike = known.setdefault(words(choice) or (choice,), choice)
            if alike != choice:
                message = f"{excerpt(choice)} says the same as {excerpt(alike)}"
                yield soft("choices_alike", f"checks.{number}", message)


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
    keys = [check.answer for check in draft.text.checks if check.kind == "true_false"]
    if len(keys) >= FEWEST_TO_BALANCE and len({key.casefold() for key in keys}) == 1:
        message = f"all {len(keys)} true_false questions have the key {excerpt(keys[0])}: turn a statement round"
        yield soft("one_sided_keys", "checks", message)


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
