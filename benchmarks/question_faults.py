"""Faults of the questions of a lesson."""

from random import Random

from benchmarks.clean_lessons import Case, by_hand
from benchmarks.key_faults import KEY_FAULTS
from benchmarks.planting import Fault, chosen, fault, foreign, other_languages
from src.domain.lesson import Check
from src.domain.quality.citations import without_markers

_ALL = {
    "en": (
        "All of the above",
        "None of the above",
        "All of these",
        "Both A and B",
        "None of these",
        "Both of the above",
    ),
    "de": ("Alle oben genannten", "Keine der genannten Antworten", "Alle Antworten", "A und B", "Keine davon"),
    "hi": ("उपरोक्त सभी", "इनमें से कोई नहीं", "इनमें से सभी", "उपर्युक्त सभी"),
    "ar": ("كل ما سبق", "جميع ما سبق", "لا شيء مما سبق"),
}
_MORE = {
    "en": ", which is just what this lesson has explained to you in so many words",
    "de": ", und genau das hat dir diese Lektion ja auch ausführlich erklärt",
    "hi": ", और ठीक यही बात इस पाठ में आपको विस्तार से समझाई गई है, इसे याद रखें",
    "ar": "، وهذا بالضبط ما شرحه لك هذا الدرس بالتفصيل وعليك أن تتذكره دائما",
}


def _index(random: Random, case: Case, *kinds: str) -> int | None:
    return chosen(random, [index for index, check in enumerate(case.text.checks) if check.kind in kinds])


def in_another_language(random: Random, case: Case) -> Case | None:
    """Puts one question into another language, but leaves its evidence, which is the lesson's."""
    index, language = random.randrange(len(case.text.checks)), random.choice(other_languages(case))
    written = [
        {"question": check.question, "choices": check.choices, "answer": check.answer, "explanation": check.explanation}
        for other in by_hand()
        if other.language == language
        for check in other.text.checks
        if check.kind == "multiple_choice"
    ]
    asked = random.choice([*written, *foreign()[language]["questions"]])
    return case.with_check(index, **{**asked, "choices": tuple(asked["choices"]), "kind": "multiple_choice"})


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
    choices[random.choice(wrong)] = random.choice(_ALL[case.language])
    return case.with_check(index, choices=tuple(choices))


def longest_is_key(random: Random, case: Case) -> Case | None:
    """Makes the right choice much longer than any other."""
    index = _index(random, case, "multiple_choice")
    if index is None:
        return None
    check = case.text.checks[index]
    longer = check.answer + _MORE[case.language]
    if len(longer) < 1.8 * max(len(choice) for choice in check.choices or ()):
        return None
    choices = tuple(longer if choice == check.answer else choice for choice in check.choices or ())
    return case.with_check(index, choices=choices, answer=longer)


def asked_twice(random: Random, case: Case) -> Case | None:
    """Makes a question ask what another one asks, with hardly another word."""
    first, second = random.sample(range(len(case.text.checks)), 2)
    check = case.text.checks[first]
    return case.with_check(second, **{**vars(check), "question": _asked_again(random, case, check)})


def _asked_again(random: Random, case: Case, check: Check) -> str:
    asked = check.question
    again = {
        "en": ("Now: {}", "{} Think about it.", "Again: {}", "Can you say this? {}"),
        "de": ("Und jetzt: {}", "{} Denk nach.", "Noch einmal: {}"),
        "hi": ("अब बताइए: {}", "{} सोचिए।"),
        "ar": ("والآن: {}", "{} فكر."),
    }
    return random.choice(("{}", *again[case.language])).format(asked)


def other_words_for_true(random: Random, case: Case) -> Case | None:
    """Puts true and false the wrong way round, or puts other words in their place."""
    index = _index(random, case, "true_false")
    if index is None:
        return None
    first, second = case.text.checks[index].choices or ("", "")
    other = random.choice(((second, first), ("A", "B"), (first, "?"), ("Yes", "No")))
    answer = other[0] if random.random() < 0.5 else other[1]
    return case.with_check(index, choices=other, answer=answer)


def all_true(random: Random, case: Case) -> Case:
    """Makes at least three questions true or false, and everything that they state true."""
    said = next(
        check.choices
        for other in by_hand()
        if other.language == case.language
        for check in other.text.checks
        if check.kind == "true_false" and check.choices
    )
    judged = {index for index, check in enumerate(case.text.checks) if check.kind == "true_false"}
    others = [index for index in range(len(case.text.checks)) if index not in judged]
    for index in judged.union(random.sample(others, random.randint(max(0, 3 - len(judged)), len(others)))):
        statement = without_markers(case.text.checks[index].evidence)
        case = case.with_check(
            index, kind="true_false", question=statement, choices=said, answer=said[0], explanation=statement
        )
    return case


QUESTION_FAULTS: tuple[Fault, ...] = (
    *KEY_FAULTS,
    fault("question in another language", "question_language", in_another_language),
    fault("objective without a question", "objective_not_served", untested_objective),
    fault("objective that isn't there", "unknown_objective", unknown_objective),
    fault("all or none of the above", "all_or_none", all_of_the_above),
    fault("longest choice is the key", "longest_is_key", longest_is_key),
    fault("question asked twice", "duplicate_question", asked_twice),
    fault("other words for true and false", "not_true_and_false", other_words_for_true),
    fault("all statements true", "one_sided_keys", all_true),
)
