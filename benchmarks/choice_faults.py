"""Choices of a question of which two say the same."""

from random import Random

from benchmarks.clean_lessons import Case
from benchmarks.planting import Fault, chosen, fault


def in_other_type(random: Random, case: Case) -> Case | None:
    """Replaces a wrong choice by the right one in other type: in quotation marks, bold, or with a full stop."""
    found = [index for index, check in enumerate(case.text.checks) if check.kind == "multiple_choice"]
    index = chosen(random, found)
    if index is None:
        return None
    check = case.text.checks[index]
    choices = list(check.choices or ())
    wrong = random.choice([number for number, choice in enumerate(choices) if choice != check.answer])
    choices[wrong] = random.choice(("“{}”", "**{}**", "{}.", "*{}*")).format(check.answer)
    return None if choices[wrong] == check.answer else case.with_check(index, choices=tuple(choices))


CHOICE_FAULTS: tuple[Fault, ...] = (fault("choice in other type", "choices_alike", in_other_type),)
