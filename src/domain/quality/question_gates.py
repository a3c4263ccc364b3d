"""The gates for the questions of a lesson. Each is a pure function from a draft to findings with the gate's name.

The shape of a `Check` sees to it that a key is one of the choices, that these differ, and how many there are.
"""

from collections.abc import Iterator

import regex

from src.domain.finding import Finding, excerpt, hard, soft
from src.domain.language_recognition import is_named, language_name, other_language
from src.domain.language_tag import primary_subtag
from src.domain.lesson import Check
from src.domain.normal_form import normal_text
from src.domain.numerals import written
from src.domain.quality.draft import Draft
from src.domain.quality.own_words import own_words
from src.domain.words import content_stems

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


def all_or_none(draft: Draft) -> Iterator[Finding]:
    """Finds choices such as "all of the above". They test how tests are made, and mean nothing once shuffled."""
    for number, check in enumerate(draft.text.checks, start=1):
        for choice in check.choices or ():
            if _ALL_OR_NONE.search(choice):
                yield soft("all_or_none", f"checks.{number}", f"no choice may speak of the others: {excerpt(choice)}")


def duplicate_question(draft: Draft) -> Iterator[Finding]:
    """Finds two questions that ask the same."""
    language = draft.brief.language
    asked: list[tuple[int, set[str], str]] = []
    for number, check in enumerate(draft.text.checks, start=1):
        own = set(content_stems(check.question, language))
        numbers = {it.text for it in written(check.question, language)}
        # Of what is asked in numbers alone, such as 2 + 3, the signs and the order belong to it.
        own = {normal_text(check.question)} if own <= numbers else own | numbers
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
        text = text.replace(choice, " ")
    return text


def letter_named(draft: Draft) -> Iterator[Finding]:
    """Finds letters of choices in a question or its explanation: choices get letters only once they are placed."""
    for number, check in enumerate(draft.text.checks, start=1):
        found = _LETTER_NAMED.search(f"{check.question}\n{check.explanation}") if check.choices else None
        if found:
            yield hard("letter_named", f"checks.{number}", f"name the choice by its words: {excerpt(found.group())}")


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
    what it is, sign by sign.
    """
    if "`" in choice:
        return choice.strip()
    return _UNSAID.sub("", normal_text(choice)) or choice


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
    asked = {number: check for number, check in enumerate(draft.text.checks, start=1) if check.kind == "true_false"}
    keys = [check.answer for check in asked.values()]
    if len(keys) >= FEWEST_TO_BALANCE and len({key.casefold() for key in keys}) == 1:
        message = f"all {len(keys)} true_false questions have the key {excerpt(keys[0])}: turn a statement round"
        yield soft("one_sided_keys", f"checks.{max(asked)}", message)


_TRUE_AND_FALSE = {
    "en": (("true", "false"),),
    "de": (("richtig", "falsch"), ("wahr", "falsch")),
    "hi": (("सही", "गलत"), ("सत्य", "असत्य"), ("सही", "ग़लत")),
    "ar": (("صحيح", "خطأ"), ("صواب", "خطأ"), ("صح", "خطأ")),
}

QUESTION_GATES = (
    longest_is_key,
    all_or_none,
    duplicate_question,
    question_language,
    letter_named,
    choices_alike,
    not_true_and_false,
    one_sided_keys,
)
