"""The mutation test of the gates, in small: what they find, and that they leave good lessons alone."""

from dataclasses import replace
from itertools import combinations
from random import Random

import pytest

from benchmarks.clean_lessons import Case, by_hand, text_grams
from benchmarks.gates import FAULTS, FEWEST_KINDS, LEAST_CAUGHT, MOST_LESSONS, Alarms, alarms, scores
from benchmarks.planting import digits, foreign, other_languages, other_number, vocabulary
from benchmarks.varied_lessons import clean_cases, varied
from src.domain.finding import Finding, hard, soft
from src.domain.language_tag import primary_subtag
from src.domain.quality import review
from src.domain.quality.text_gates import SIMILAR

SEED = 7
COUNT = 5
MOST_MISSED = 1
"""Of so few faults of a kind. Where one in twenty is missed, one of five may be by chance, but hardly two."""
CASES = clean_cases(Random(SEED), 110)
WRITTEN, VARIED = CASES[: len(by_hand())], CASES[len(by_hand()) :]
LANGUAGES = sorted({case.language for case in by_hand()})


def test_the_lessons_written_by_hand_raise_hardly_an_alarm() -> None:
    found = alarms(WRITTEN)
    assert list(found.complaints(MOST_LESSONS)) == [], found.examples


def test_variations_and_the_stand_ins_lessons_raise_hardly_an_alarm() -> None:
    found = alarms(VARIED)
    assert list(found.complaints(most_lessons=1.0)) == [], found.examples


def test_every_kind_of_fault_is_caught() -> None:
    kinds = scores(SEED, CASES, COUNT)
    claimed = [score for score in kinds if score.is_gated]
    assert {it.name: it.missed for it in claimed if it.planted - it.caught > MOST_MISSED} == {}
    assert sum(it.caught for it in claimed) >= LEAST_CAUGHT * sum(it.planted for it in claimed)
    assert {score.name: score.planted for score in kinds if score.planted < COUNT} == {}
    assert len(kinds) >= FEWEST_KINDS
    assert len({score.name for score in kinds}) == len(kinds)


def test_a_gate_that_is_switched_off_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(gate for gate in review._LESSON_GATES if gate.__name__ != "cut_off")
    monkeypatch.setattr(review, "_LESSON_GATES", others)
    faults = [fault for fault in FAULTS if fault.name == "cut-off end"]
    (score,) = scores(SEED, [replace(case) for case in by_hand()], 5, faults)
    assert score.share < LEAST_CAUGHT and not score.is_enough and score.missed


def test_the_same_seed_plants_the_same_faults() -> None:
    faults = FAULTS[::9]
    assert scores(3, CASES[:20], 2, faults) == scores(3, CASES[:20], 2, faults)
    again = clean_cases(Random(SEED), len(CASES))
    assert [case.text for case in again] == [case.text for case in CASES]


@pytest.mark.parametrize(
    ("findings", "complaints"),
    [
        ([], 0),
        ([hard("leak", "", "x")], 2),  # that it is hard, and its gate in one lesson of ten
        ([soft("leak", "", "x")], 1),
        ([soft("leak", "", str(number)) for number in range(4)], 2),
    ],
)
def test_what_is_found_in_good_lessons_is_judged(findings: list[Finding], complaints: int) -> None:
    found = Alarms([(case, frozenset(findings if not index else [])) for index, case in enumerate(by_hand()[:10])])
    assert len(list(found.complaints(MOST_LESSONS))) == complaints


def test_no_two_lessons_written_by_hand_say_the_same() -> None:
    told = {case.name: text_grams(case.text) for case in by_hand()}
    alike = [
        pair for pair in combinations(told, 2) if len(told[pair[0]] & told[pair[1]]) >= SIMILAR * len(told[pair[0]])
    ]
    assert alike == []


@pytest.mark.parametrize("case", by_hand(), ids=lambda case: case.name)
def test_a_variation_keeps_what_its_questions_and_citations_need(case: Case) -> None:
    changed = varied(Random(case.name), case)
    told = " ".join("\n".join(changed.text.fields().values()).split())
    numbers = [citation.number for citation in changed.text.citations]
    assert len(set(numbers)) == len(numbers) and all(f"[{number}]" in told for number in numbers)
    for citation in changed.text.citations:
        passage = changed.passages[citation.passage - 1].text
        assert " ".join(citation.quote.split()) in " ".join(passage.split())
    tested = {check.objective for check in changed.text.checks}
    assert tested == set(range(1, len(changed.plan.learning_objectives) + 1))


@pytest.mark.parametrize("language", LANGUAGES)
def test_faults_can_be_planted_in_every_language_of_the_corpus(language: str) -> None:
    assert len(vocabulary(language)) >= 50
    assert len(foreign()[language]["section"]) >= 120 and foreign()[language]["questions"]
    case = next(case for case in by_hand() if primary_subtag(case.brief.language) == language)
    assert set(other_languages(case)) == set(LANGUAGES) - {language}


@pytest.mark.parametrize(
    ("text", "number"),
    [("17 000 km", "17 000"), ("1,00,000", "1,00,000"), ("٣٠٠٫٥", "٣٠٠٫٥"), ("७५००", "७५००"), ("in 1789 [3].", "1789")],
)
def test_another_number_is_written_in_the_same_script(text: str, number: str) -> None:
    (found,) = digits(text)
    assert found.group() == number
    other = other_number(Random(1), number)
    assert other != number and {char.isascii() for char in other} == {char.isascii() for char in number}
