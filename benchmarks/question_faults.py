"""Faults of the questions of a lesson."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import regex

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.key_faults import KEY_FAULTS
from benchmarks.planting import Fault, chosen, fault, foreign, other_languages
from benchmarks.question_words import AGAIN, ALL_OR_NONE, ANSWER_IS, LETTERED, MORE, TWO_LETTERS, YES_AND_NO
from src.domain.lesson import Check
from src.domain.numerals import values
from src.domain.quality.citations import without_markers
from src.domain.sentences import ends_a_sentence
from src.domain.words import NO_SPACES, content_stems

_FEWEST_LETTERS, _FEWEST_CHARACTERS = 90, 30
"""So many letters tell the language of a question; fewer in a script without spaces."""
_LAST_MARK = regex.compile(r"[?？;։।።．。.!؟៖\s]*$")


def _index(random: Random, case: Case, *kinds: str) -> int | None:
    return chosen(random, [index for index, check in enumerate(case.text.checks) if check.kind in kinds])


def in_another_language(random: Random, case: Case) -> Case | None:
    """Puts one question into another language, but leaves its evidence, which is the lesson's.

    In a course on a language a question may be in that one.
    """
    if case.subject == "language course":
        return None
    index, language = random.randrange(len(case.text.checks)), random.choice(other_languages(case))
    written = [
        {"question": check.question, "choices": check.choices, "answer": check.answer, "explanation": check.explanation}
        for other in by_hand()
        if other.language == language
        for check in other.text.checks
        if check.kind == "multiple_choice"
    ]
    asked = chosen(random, filter(_says_enough, [*written, *foreign()[language]["questions"]]))
    if asked is None:
        return None
    return case.with_check(index, **{**asked, "choices": tuple(asked["choices"]), "kind": "multiple_choice"})


def _says_enough(asked: Mapping[str, Any]) -> bool:
    """Returns whether a question has words enough to tell its language, besides its choices and figures."""
    told = f"{asked['question']} {asked['explanation']}"
    for choice in asked["choices"]:
        told = told.replace(choice, " ")
    letters = regex.findall(r"\p{L}", told)
    return len(letters) >= (_FEWEST_CHARACTERS if NO_SPACES.search(told) else _FEWEST_LETTERS)


def untested_objective(random: Random, case: Case) -> Case | None:
    """Leaves an objective without a question that tests it."""
    tested = sorted({check.objective for check in case.text.checks})
    if len(tested) < 2:
        return None
    lost, kept = random.sample(tested, 2)
    checks = (it.model_copy(update={"objective": kept}) if it.objective == lost else it for it in case.text.checks)
    return case.with_text(checks=tuple(checks))


def unknown_objective(random: Random, case: Case) -> Case | None:
    """Makes a question test an objective that the plan hasn't got."""
    index = random.randrange(len(case.text.checks))
    return case.with_check(index, objective=len(case.plan.learning_objectives) + random.randint(1, 3))


def all_of_the_above(random: Random, case: Case) -> Case | None:
    """Replaces a wrong choice by one that speaks of the others."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    choices = list(case.text.checks[index].choices or ())
    wrong = [number for number, choice in enumerate(choices) if choice != case.text.checks[index].answer]
    choices[random.choice(wrong)] = random.choice(ALL_OR_NONE[case.language])
    return case.with_check(index, choices=tuple(choices))


def longest_is_key(random: Random, case: Case) -> Case | None:
    """Makes the right choice much longer than any other."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    longer = check.answer + MORE[case.language]
    if len(longer) < 1.8 * max(len(choice) for choice in check.choices or ()):
        return None
    choices = tuple(longer if choice == check.answer else choice for choice in check.choices or ())
    return case.with_check(index, choices=choices, answer=longer)


def shortest_is_key(random: Random, case: Case) -> Case | None:
    """Makes all choices but the right one much longer."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    longer = tuple(it if it == check.answer else it + MORE[case.language] for it in check.choices or ())
    if min(map(len, set(longer) - {check.answer})) < 1.8 * len(check.answer):
        return None
    return case.with_check(index, choices=longer)


def answer_in_question(random: Random, case: Case) -> Case | None:
    """Puts the words of the right choice into the question, where they are several, or a term of the lesson.

    A key that is a figure, a formula or code is left out, and so is a question that names a wrong choice or has a gap,
    which may be filled with what stands elsewhere in it.
    """
    terms = {term.casefold() for term in (*case.plan.key_concepts, *(it.term for it in case.text.key_terms))}
    index = chosen(
        random,
        [
            number
            for number, check in enumerate(case.text.checks)
            if check.kind == "multiple_choice"
            and not regex.search(r"[\p{N}$`*=\\\"“”«»„‘–]", check.answer)
            and not values(check.answer, case.language)
            and (len(check.answer.split()) > 2 or check.answer.casefold() in terms)
            and not regex.search(r"_{2,}|…|\.{3}", check.question)
            and not _speaks_of_wrong(check, case.language)
        ],
    )
    if index is None:
        return None
    check = case.text.checks[index]
    end = _LAST_MARK.search(check.question)
    assert end is not None
    told = f"{check.question[: end.start()]} ({check.answer}){end.group()}"
    return case.with_check(index, question=told)


def _speaks_of_wrong(check: Check, language: str) -> bool:
    asked, key = set(content_stems(check.question, language)), set(content_stems(check.answer, language))
    wrong = (set(content_stems(choice, language)) for choice in check.choices or () if choice != check.answer)
    return any((stems - key) & asked for stems in wrong)


def explained_otherwise(random: Random, case: Case) -> Case | None:
    """Makes the explanation of a choice say that another one is the answer."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    wrong = random.choice([choice for choice in check.choices or () if choice != check.answer])
    said = random.choice(ANSWER_IS[case.language]).format(wrong)
    before = check.evidence if random.random() < 0.5 and ends_a_sentence(check.evidence) else ""
    return case.with_check(index, explanation=f"{before} {said}".strip())


def choice_by_letter(random: Random, case: Case) -> Case | None:
    """Makes the explanation of a choice name it by a letter, which the worker draws later."""
    index = _index(random, case, "multiple_choice")
    if index is None or _has_letters(case.text.checks[index]):
        return None
    said = random.choice(LETTERED[case.language])
    return case.with_check(index, explanation=f"{case.text.checks[index].explanation} {said}")


def asked_twice(random: Random, case: Case) -> Case | None:
    """Makes a question ask what another one asks, with hardly another word."""
    first, second = random.sample(range(len(case.text.checks)), 2)
    check = case.text.checks[first]
    return case.with_check(second, **{**vars(check), "question": _asked_again(random, case, check)})


def letter_in_question(random: Random, case: Case) -> Case | None:
    """Makes a question name a choice by its letter."""
    index = _index(random, case, "multiple_choice")
    if index is None or _has_letters(case.text.checks[index]):
        return None
    said = random.choice(LETTERED[case.language])
    return case.with_check(index, question=f"{said} {case.text.checks[index].question}")


def _asked_again(random: Random, case: Case, check: Check) -> str:
    asked = check.question
    return random.choice(("{}", *AGAIN.get(case.language, ("«{}»",)))).format(asked)


def other_words_for_true(random: Random, case: Case) -> Case | None:
    """Puts other words in the place of true and false."""
    index = _index(random, case, "true_false")
    if index is None:
        return None
    first, _ = case.text.checks[index].choices or ("", "")
    other = random.choice((("A", "B"), (first, "?"), YES_AND_NO.get(case.language, ("1", "2"))))
    return case.with_check(index, choices=other, answer=random.choice(other))


def true_and_false_turned_round(random: Random, case: Case) -> Case | None:
    """Puts true and false the wrong way round, and leaves the answer."""
    index = _index(random, case, "true_false")
    if index is None:
        return None
    return case.with_check(index, choices=tuple(reversed(case.text.checks[index].choices or ())))


def verdict_of_explanation_turned_round(random: Random, case: Case) -> Case | None:
    """Makes the explanation of a statement begin with the other verdict."""
    index = _index(random, case, "true_false")
    if index is None:
        return None
    check = case.text.checks[index]
    other = next(choice for choice in check.choices or () if choice != check.answer)
    return case.with_check(index, explanation=f"{other}: {check.evidence}")


def two_letters(random: Random, case: Case) -> Case | None:
    """Replaces a wrong choice by two letters of others."""
    index = _index(random, case, "multiple_choice")
    if index is None or _has_letters(case.text.checks[index]):
        return None
    check = case.text.checks[index]
    said = random.choice(TWO_LETTERS.get(case.language, ("A / B",)))
    choices = list(check.choices or ())
    choices[random.choice([number for number, it in enumerate(choices) if it != check.answer])] = said
    return case.with_check(index, choices=tuple(choices))


def _has_letters(check: Check) -> bool:
    """Returns whether letters are names in a question, so that a reader can't tell what one stands for."""
    return any(regex.search(r"\b[A-D]\b", text) for text in (check.question, *(check.choices or ())))


def all_true(random: Random, case: Case) -> Case:
    """Makes at least three questions true or false, and everything that they state true."""
    said = _words_of_true_and_false(case)
    judged = {index for index, check in enumerate(case.text.checks) if check.kind == "true_false"}
    others = [index for index in range(len(case.text.checks)) if index not in judged]
    for index in judged.union(random.sample(others, random.randint(max(0, 3 - len(judged)), len(others)))):
        case = _stated(case, index, said)
    return case


def all_true_in_course(random: Random, case: Case) -> Case:
    """Makes the statements of the course's other lessons true, and one or two of this lesson, and no other."""
    said = _words_of_true_and_false(case)
    wanted = set(random.sample(range(len(case.text.checks)), random.randint(1, 2)))
    for index, check in enumerate(case.text.checks):
        if index in wanted:
            case = _stated(case, index, said)
        elif check.kind == "true_false":
            case = case.with_check(index, kind="short_answer", choices=None, answer=check.evidence)
    numbers = [number for number in range(1, case.brief.num_lessons + 1) if number != case.plan.lesson_number]
    total = random.randint(4, 9)
    keys = {
        number: [True] * (total // len(numbers) + (place < total % len(numbers)))
        for place, number in enumerate(numbers)
    }
    return replace(case, statements=keys)


def _words_of_true_and_false(case: Case) -> tuple[str, ...]:
    return next(
        check.choices
        for other in by_hand()
        if other.language == case.language
        for check in other.text.checks
        if check.kind == "true_false" and check.choices
    )


def _stated(case: Case, index: int, said: tuple[str, ...]) -> Case:
    """Returns the case with a question that states its evidence, which is true."""
    statement = without_markers(case.text.checks[index].evidence)
    return case.with_check(
        index, kind="true_false", question=statement, choices=said, answer=said[0], explanation=statement
    )


QUESTION_FAULTS: tuple[Fault, ...] = (
    *KEY_FAULTS,
    fault("question in another language", "question_language", in_another_language),
    fault("objective without a question", "objective_not_served", untested_objective),
    fault("objective that isn't there", "unknown_objective", unknown_objective),
    fault("all or none of the above", "all_or_none", all_of_the_above),
    fault("longest choice is the key", "longest_is_key", longest_is_key),
    fault("shortest choice is the key", "shortest_is_key", shortest_is_key),
    fault("answer in the question", "stem_gives_answer", answer_in_question),
    fault("explanation for another choice", "explanation_contradicts", explained_otherwise),
    fault("choice named by its letter", "letter_named", choice_by_letter),
    fault("question asked twice", "duplicate_question", asked_twice),
    fault("other words for true and false", "not_true_and_false", other_words_for_true),
    fault("true and false turned round", "not_true_and_false", true_and_false_turned_round),
    fault("explanation with the other verdict", "answer_unsupported", verdict_of_explanation_turned_round),
    fault("choice of two letters", "all_or_none", two_letters),
    fault("letter in the question", "letter_named", letter_in_question),
    fault("all statements true", "one_sided_keys", all_true),
    fault("all statements of a course true", "one_sided_course", all_true_in_course),
)
