"""The letters that models write before choices, and answers that name a choice by its letter or in other signs."""

from collections.abc import Mapping, Sequence
from typing import Any

import regex

LABEL = regex.compile(r"^\(?([A-F])[.):]\s+")
_LETTER_ALONE = regex.compile(r"\(?([A-F])[.):]?")
_ENDS = " \t\n.。।"


def with_answers_among_choices(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a lesson, or parts of one, as it was parsed, whose answers are choices word for word where that is sure.

    A model that was asked for the right choice word for word may give its letter, or leave out its letter or its full
    stop. To ask again for that would cost as much as the lesson.
    """
    checks = answer.get("checks")
    if not isinstance(checks, list):
        return dict(answer)
    return {**answer, "checks": [_named(check) if isinstance(check, dict) else check for check in checks]}


def _named(check: dict[str, Any]) -> dict[str, Any]:
    choices, answer = check.get("choices"), check.get("answer")
    if not isinstance(choices, list) or not isinstance(answer, str) or answer in choices:
        return check
    if not all(isinstance(choice, str) for choice in choices):
        return check
    meant = _meant(choices, answer)
    return check if meant is None else {**check, "answer": meant}


def _meant(choices: Sequence[str], answer: str) -> str | None:
    """Returns the choice that an answer names; None if it isn't sure which."""
    letters = [found[1] for choice in choices if (found := LABEL.match(choice))]
    alone = _LETTER_ALONE.fullmatch(answer.strip())
    if alone is not None and len(letters) == len(choices) == len(set(letters)):
        return choices[letters.index(alone[1])] if alone[1] in letters else None
    same = [choice for choice in choices if _bare(choice) == _bare(answer)]
    return same[0] if len(same) == 1 else None


def _bare(text: str) -> str:
    return LABEL.sub("", text.strip()).strip(_ENDS).casefold()
