"""The gates for the questions of a lesson. Each is a pure function from a draft to findings with the gate's name.

The shape of a `Check` sees to it that a key is one of the choices, that these differ, and how many there are.
"""

from collections.abc import Iterator

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.language_recognition import language_name, other_language
from src.domain.language_tag import primary_subtag
from src.domain.lesson import Check
from src.domain.quality.citations import without_markers
from src.domain.quality.draft import Draft, plain
from src.domain.quality.quotes import locate
from src.domain.words import content_stems, negations, numbers, stem, words, written_numbers

LEAST_SUPPORT = 0.5
"""The share of an answer's words that the lesson must have."""
LONGER = 1.6
"""How many times as long as the longest wrong choice the right one may be, at most."""
LONGER_BY = 15
"""How many characters longer than the longest wrong choice the right one may be, whatever `LONGER` says."""
SAME_QUESTION = 0.85
"""Two questions ask the same if they share this part of their words, or more."""
FEWEST_TO_BALANCE = 3
"""If a lesson has so many true-or-false questions, both keys must occur."""

_ALL_OR_NONE = regex.compile(
    r"\b(?:all|none|both|neither) (?:of )?(?:the |these )?(?:above|below|these|options|answers|choices)\b"
    r"|\bboth [A-F] (?:and|or) [A-F]\b|^(?:nur )?[A-F] (?:and|or|und|oder) [A-F]\W*$"
    r"|\b(?:alle|keine)s?(?: der)? (?:oben )?(?:genannten?|antworten)\b|^(?:alle|keine[rs]?) davon\W*$"
    r"|उपरोक्त सभी|उपर्युक्त सभी|इनमें से कोई नहीं|इनमें से सभी|(?:كل|جميع) ما سبق|لا شيء مما سبق",
    regex.IGNORECASE,
)
_LETTER_NAMED = regex.compile(
    r"\b(?i:option|choice|answer|antwort)s? \(?[A-F]\b"
    r"|\b(?i:the (?:right |correct )?(?:answer|key) is) \(?[A-F]\b(?! \p{Ll})"
)
_NEGATIVE = regex.compile(
    r"\b(?:not|never|except|false|incorrect|least|nicht|kein\w*|außer)\b|नहीं|गलत|ليس|خطأ", regex.IGNORECASE
)


def answer_unsupported(draft: Draft) -> Iterator[Finding]:
    """Finds answers that the lesson's own text doesn't bear out."""
    for number, check in enumerate(draft.text.checks, start=1):
        for message in key_faults(check, draft.lesson_text, draft.stems):
            yield hard("answer_unsupported", f"checks.{number}", message)


def key_faults(check: Check, lesson_text: str, stems: frozenset[str]) -> list[str]:
    """Returns why the key of a question can't be trusted, given the lesson's text and its content stems.

    The evidence must stand in the lesson. Multiple choice: evidence and explanation must speak of the key, and of no
    other choice more. True or false: a statement that the evidence makes is true, and one with other numbers or
    negations is not. Short answer: its words and numbers must be the lesson's.
    """
    if locate(without_markers(check.evidence), lesson_text) is None:
        return [f"the evidence {excerpt(check.evidence)} is no sentence of this lesson"]
    evidence = plain(check.evidence)
    if (told := _told(check)) not in (None, check.answer):
        return [f"the key is {excerpt(check.answer)}, but the explanation says {excerpt(str(told))}"]
    match check.kind:
        case "multiple_choice":
            return _choice_faults(check, evidence)
        case "true_false":
            return _statement_faults(check, evidence)
        case _:
            return _short_answer_faults(check, evidence, stems)


def _told(check: Check) -> str | None:
    """Returns the choice that is right according to the explanation; None if that can't be told.

    It is the choice that the explanation begins with, as the prompt asks for; or, of true and false, the only one that
    it names.
    """
    for choice in check.choices or ():
        mark = r"\b" if check.kind == "true_false" else r"[\"'”’»]?\s*[:：]"
        if regex.match(rf"[\"'“‘«„]?{regex.escape(choice)}{mark}", check.explanation, regex.IGNORECASE):
            return choice
    if check.kind != "true_false" or negations(check.explanation):
        return None  # "It is not true that …" says that it is false
    said = set(words(check.explanation))
    named = [choice for choice in check.choices or () if said & set(words(choice))]
    return named[0] if len(named) == 1 else None


def _choice_faults(check: Check, evidence: str) -> list[str]:
    assert check.choices is not None
    if {word.casefold() for word in _NEGATIVE.findall(check.question)} - set(words(evidence)):
        return []  # the question asks for what is not so, and the evidence may speak of the wrong choices
    support = {choice: _support(choice, evidence, check) for choice in check.choices}
    wrong = max((choice for choice in check.choices if choice != check.answer), key=lambda choice: support[choice])
    if support[wrong] > support[check.answer]:
        return [f"the key is {excerpt(check.answer)}, but the evidence speaks of {excerpt(wrong)}"]
    if support[check.answer] == 0:
        return [f"neither evidence nor explanation speaks of the key {excerpt(check.answer)}"]
    return []


def _support(choice: str, evidence: str, check: Check) -> float:
    """Returns how far a choice is borne out, from 0 to 3: by the evidence, which counts twice, and the explanation.

    Words that the question has, or all choices, say nothing about one of them. If a choice has no others, half of its
    support is for these words, and half for standing there word for word, which tells it from a choice of the same
    words.
    """
    assert check.choices is not None
    question = set(content_stems(check.question))
    shared = set.intersection(*(set(content_stems(other)) for other in check.choices))
    telling = [word for word in content_stems(choice) if word not in question | shared]
    telling += sorted(numbers(choice) - {"1"} - set(telling))  # "ten times" and "six times"
    own = telling or content_stems(choice)
    shares = []
    for text in (evidence, plain(check.explanation)):
        given = {stem(word) for word in words(text)} | numbers(text)
        share = sum(word in given for word in own) / len(own) if own else 0.0
        if not telling:
            share = (share + (" ".join(words(choice)) in " ".join(words(text)))) / 2
        shares.append(share)
    return 2 * shares[0] + shares[1]


def _statement_faults(check: Check, evidence: str) -> list[str]:
    assert check.choices is not None
    # "True or false?" before the statement isn't part of it.
    label = {stem(word) for choice in check.choices for word in words(choice)}
    stated, given = set(content_stems(check.question)) - label, set(content_stems(evidence))
    same_numbers = written_numbers(check.question) <= numbers(evidence)
    same_negation = negations(check.question) % 2 == negations(evidence) % 2
    is_stated = same_numbers and same_negation and len(stated & given) >= 0.9 * len(stated)
    if check.key == 2 and is_stated:
        return ["the key is false, but the evidence says just what the statement says"]
    if check.key == 1 and not same_numbers:
        return ["the key is true, but the evidence has not the numbers of the statement"]
    if check.key == 1 and len(stated & given) >= 0.9 * len(stated) and not same_negation:
        return ["the key is true, but the evidence denies the statement"]
    if check.key == 1 and len(stated & given) < LEAST_SUPPORT * len(stated):
        return ["the key is true, but the evidence hardly speaks of what is stated"]
    return []


def _short_answer_faults(check: Check, evidence: str, stems: frozenset[str]) -> list[str]:
    own = content_stems(plain(check.answer))
    if own and sum(word in stems for word in own) < LEAST_SUPPORT * len(own):
        return [f"the lesson says little of the answer {excerpt(check.answer)}"]
    if not set(own) & set(content_stems(f"{evidence} {check.question}")):
        return [f"the evidence {excerpt(evidence)} has nothing of the answer {excerpt(check.answer)}"]
    unknown = written_numbers(check.answer) - numbers(evidence) - numbers(check.question)
    return [f"the evidence doesn't give the number {', '.join(sorted(unknown))}"] if unknown else []


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


def all_or_none(draft: Draft) -> Iterator[Finding]:
    """Finds choices such as "all of the above". They test how tests are made, and mean nothing once shuffled."""
    for number, check in enumerate(draft.text.checks, start=1):
        for choice in check.choices or ():
            if _ALL_OR_NONE.search(choice):
                yield soft("all_or_none", f"checks.{number}", f"no choice may speak of the others: {excerpt(choice)}")


def duplicate_question(draft: Draft) -> Iterator[Finding]:
    """Finds two questions that ask the same."""
    asked: list[tuple[int, set[str], str]] = []
    for number, check in enumerate(draft.text.checks, start=1):
        own = set(content_stems(check.question)) | written_numbers(check.question)
        for earlier, other, answer in asked:
            shared = len(own & other)
            is_said_in_more_words = answer == check.answer.casefold() and shared == min(len(own), len(other))
            if own and (shared >= SAME_QUESTION * max(len(own), len(other)) or is_said_in_more_words):
                yield soft(
                    "duplicate_question",
                    f"checks.{number}",
                    f"this asks the same as question {earlier}: {excerpt(check.question)}",
                )
        asked.append((number, own, check.answer.casefold() if check.kind != "true_false" else ""))


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
    """Finds letters of choices in a question or its explanation: choices get letters only once they are placed."""
    for number, check in enumerate(draft.text.checks, start=1):
        found = _LETTER_NAMED.search(f"{check.question}\n{check.explanation}") if check.choices else None
        if found:
            yield hard("letter_named", f"checks.{number}", f"name the choice by its words: {excerpt(found.group())}")


def choices_alike(draft: Draft) -> Iterator[Finding]:
    """Finds choices that differ only in signs, so that two of them would be right."""
    for number, check in enumerate(draft.text.checks, start=1):
        known: dict[tuple[str, ...], str] = {}
        for choice in check.choices or ():
            alike = known.setdefault(tuple(words(choice)) or (choice,), choice)
            if alike != choice:
                message = f"{excerpt(choice)} says the same as {excerpt(alike)}"
                yield soft("choices_alike", f"checks.{number}", message)


def not_true_and_false(draft: Draft) -> Iterator[Finding]:
    """Finds true-or-false questions whose choices are something else, or stand the wrong way round."""
    known = _TRUE_AND_FALSE.get(primary_subtag(draft.brief.language))
    for number, check in enumerate(draft.text.checks, start=1):
        if known is None or check.kind != "true_false" or check.choices is None:
            continue
        if not any(tuple(choice.casefold() for choice in check.choices) == pair for pair in known):
            yield soft(
                "not_true_and_false", f"checks.{number}", f"the choices must be {' and '.join(known[0])}, in this order"
            )


def one_sided_keys(draft: Draft) -> Iterator[Finding]:
    """Finds true-or-false questions that all have the same key, which needs no lesson. Of two, that may be chance."""
    keys = [check.answer for check in draft.text.checks if check.kind == "true_false"]
    if len(keys) >= FEWEST_TO_BALANCE and len({key.casefold() for key in keys}) == 1:
        message = f"all {len(keys)} true_false questions have the key {excerpt(keys[0])}: turn a statement round"
        yield soft("one_sided_keys", "checks", message)


_TRUE_AND_FALSE = {
    "en": (("true", "false"),),
    "de": (("richtig", "falsch"), ("wahr", "falsch")),
    "hi": (("सही", "गलत"), ("सत्य", "असत्य"), ("सही", "ग़लत")),
    "ar": (("صحيح", "خطأ"), ("صواب", "خطأ"), ("صح", "خطأ")),
}

QUESTION_GATES = (
    answer_unsupported,
    longest_is_key,
    all_or_none,
    duplicate_question,
    question_language,
    letter_named,
    choices_alike,
    not_true_and_false,
    one_sided_keys,
)
