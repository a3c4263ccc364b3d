"""Search words, and orders of passages."""

import pytest

from src.domain.ranking import asked_weights, deciding_words, fused, least_weight, subject_words, word_weights
from src.domain.source import library_path, prefixes_of
from src.domain.text_search import search_configuration, searchable


def test_rare_words_weigh_more_and_none_weighs_nothing() -> None:
    weights = word_weights({"cell": 90, "mitochondrion": 2, "the": 100, "gone": 0}, 100)
    assert list(weights) == ["mitochondrion", "cell", "the"]
    assert all(weight > 0 for weight in weights.values())


@pytest.mark.parametrize(
    ("most", "words"), [(0, ["rare"]), (5, ["rare"]), (15, ["rare", "some"]), (10_000, ["rare", "some", "common"])]
)
def test_the_rarest_words_decide(most: int, words: list[str]) -> None:
    assert deciding_words({"common": 5000, "some": 10, "rare": 2, "none": 0}, most) == words


def test_what_stands_nowhere_weighs_as_much_as_the_rarest() -> None:
    weights = asked_weights({"world": 40, "war": 0, "ii": 1}, 1000)
    assert weights["war"] == weights["ii"] > weights["world"]


def test_half_of_what_was_asked_is_not_enough_and_of_a_long_query_two_rare_words_are() -> None:
    assert 0.5 < least_weight({"a": 0.5, "b": 0.5}) < 0.51
    assert least_weight({"a": 0.5}) < 0.5
    assert 1.9 < least_weight(dict.fromkeys("abcd", 1.0)) <= 2
    assert 1.9 < least_weight({str(number): 1.0 for number in range(10)}) <= 2
    assert least_weight({}) == 0


def test_what_a_quarter_of_the_library_holds_is_its_subject() -> None:
    assert subject_words({"cell": 25, "membrane": 24}, 100) == ["cell"]
    assert subject_words({"cell": 1}, 1) == []


def test_no_word_that_is_anywhere_decides_nothing() -> None:
    assert deciding_words({"none": 0}, 100) == []


def test_what_both_rankings_name_comes_first() -> None:
    ranking = fused([[1, 2, 3], [4, 2]])
    assert list(ranking) == [2, 1, 4, 3]
    assert ranking[2] == pytest.approx(2 / 62)
    assert fused([]) == {}


@pytest.mark.parametrize(
    ("language", "configuration"),
    [("en", "english"), ("de-AT", "german"), ("hi", "hindi"), ("AR", "arabic"), ("zh", "simple"), ("und", "simple")],
)
def test_configurations(language: str, configuration: str) -> None:
    assert search_configuration(language) == configuration


def test_scripts_without_spaces_are_read_in_pairs() -> None:
    assert searchable("细胞膜 cell 胞").split() == ["细胞", "胞膜", "cell", "胞"]
    assert searchable("कोशिका") == "कोशिका"


def test_one_word_has_one_spelling() -> None:
    assert searchable("الخلية والنباتات للنباتات الى") == "خلية نباتات نباتات الى"
    assert searchable("कोशिकाएँ") == "कोशिकाएं"
    assert searchable("ﬁeld") == "field"


def test_paths() -> None:
    assert library_path("/a//b.md/") == "a/b.md"
    assert prefixes_of("a/b/c.md") == ["a", "a/b", "a/b/c.md"]
    assert prefixes_of("") == []
