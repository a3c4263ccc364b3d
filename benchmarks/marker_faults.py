"""Markers in every form in which models write them, that cite nothing: each must be found and taken out."""

from collections.abc import Callable
from random import Random

import regex

from benchmarks.clean_lessons import Case
from benchmarks.planting import Fault, chosen, cited, fault

_GATES = "citation_removed"
# The last letter of a sentence before the mark that ends it and before other citations.
_LAST_LETTER = regex.compile(
    r"(?<=[\p{L}\p{M}])(?=[\p{Sentence_Break=STerm}\p{Sentence_Break=ATerm}]?(?:[ \t]?\[\d+\])*"
    r"[\p{Sentence_Break=STerm}\p{Sentence_Break=ATerm}]?$)"
)


def _marked(form: str, is_inside: bool) -> Callable[[Random, Case], Case | None]:
    """Returns a planter of a marker of this form, glued to the last word of a cited sentence or behind the sentence."""

    def plant(random: Random, case: Case) -> Case | None:
        place = chosen(random, (it for it in cited(case, "sections.") if _LAST_LETTER.search(it.sentence.text)))
        if place is None:
            return None
        told = place.sentence.text
        last = max(citation.number for citation in case.text.citations)
        marker = form.format(last + random.randint(1, 20))
        found = _LAST_LETTER.search(told)
        end = found.start() if found and is_inside else len(told)
        return place.replaced(case, told[:end] + marker + told[end:])

    return plant


MARKER_FAULTS: tuple[Fault, ...] = (
    fault("marker glued to a word", _GATES, _marked("[{}]", is_inside=True)),
    fault("marker glued behind a sentence", _GATES, _marked("[{}]", is_inside=False)),
    fault("marker of a footnote", _GATES, _marked("[^{}]", is_inside=True)),
    fault("marker in Chinese brackets", _GATES, _marked("【{}】", is_inside=True)),
)
