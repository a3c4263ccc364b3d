import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.words import content_stems, counts, negations, numbers, sentences, stem, words, written_numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Cells are small. They divide! Do they?", ["Cells are small.", "They divide!", "Do they?"]),
        ("A cell [1]. A wall. [2] A core.[3] An end.", ["A cell [1].", "A wall. [2]", "A core.[3]", "An end."]),
        (
            "Two, e.g. E. coli and J. B. Smith. Dr. No said so.",
            ["Two, e.g. E. coli and J. B. Smith.", "Dr. No said so."],
        ),
        ("It is vitamin C. Then we rest.", ["It is vitamin C.", "Then we rest."]),
        ('He said "Yes." Then he left.', ['He said "Yes."', "Then he left."]),
        ("It holds 3.5 litres. That is much.", ["It holds 3.5 litres.", "That is much."]),
        ("- one\n- two. Three\n\n1. four\n2) five", ["one", "two.", "Three", "four", "five"]),
        ("Es gibt z. B. Hefen. Das ist gut.", ["Es gibt z. B. Hefen.", "Das ist gut."]),
        ("कोशिका छोटी है। वह जीवित है। [1] हाँ।", ["कोशिका छोटी है।", "वह जीवित है। [1]", "हाँ।"]),
        ("الخلية صغيرة. هل تعيش؟ نعم.", ["الخلية صغيرة.", "هل تعيش؟", "نعم."]),
        ("細胞は小さい。生きている。", ["細胞は小さい。", "生きている。"]),
        ("no end", ["no end"]),
        (" \n\n ", []),
    ],
)
def test_sentences(text: str, found: list[str]) -> None:
    assert [sentence.text for sentence in sentences(text)] == found


@given(st.text() | st.lists(st.sampled_from([". ", "A", "a", "[1]", "\n\n", "- ", "1. ", "!", "” ", "।"])).map("".join))
def test_sentences_stand_where_they_say_in_order(text: str) -> None:
    end = 0
    for sentence in sentences(text):
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip() != ""
        assert sentence.start >= end
        end = sentence.end


def test_words_keep_the_marks_and_joiners_of_their_script() -> None:
    assert words("कोशिका झिल्ली, DON'T l’eau می‌روم 3D") == ["कोशिका", "झिल्ली", "don't", "l’eau", "می‌روم", "3d"]


def test_scripts_without_spaces_are_taken_in_pairs_and_others_beside_them_whole() -> None:
    assert words("DNA分子ー 3年間") == ["dna", "分子", "子ー", "3", "年間"]
    assert words("ເຊລ") == ["ເຊ", "ຊລ"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("cells", "cell"), ("photosynthesis", "photosynthetic"), ("membrane", "membranes"), ("Darwin's", "Darwin")],
)
def test_inflected_forms_share_a_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("cell", "cork"), ("glass", "gla"), ("virus", "viru"), ("basis", "basi")])
def test_other_words_do_not(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_function_words_carry_no_content() -> None:
    assert content_stems("What is it that they have with their cells?") == ["cell"]
    assert content_stems("It is of us.") == ["it", "is", "of", "us"]  # nothing else: then all of them


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("In 1665 there were 1,000, 1.000 or 12 345 of 3.5", {"1665", "1000", "12", "345", "3.5"}),
        ("3,5 is 3.5 and 007 is 7", {"3.5", "7"}),
        ("١٠٠٠ और १२", {"1000", "12"}),
        ("the 1990s, 19th, 5–10 %", {"1990", "19", "5", "10"}),
        ("two and drei और चार", {"2", "3", "4"}),
        ("none", set()),
    ],
)
def test_numbers(text: str, found: set[str]) -> None:
    assert numbers(text) == found


def test_number_words_are_no_written_numbers() -> None:
    assert written_numbers("two of 3") == {"3"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Three large cells and 1,000 atoms", [("3", {"large", "cell"}), ("1000", {"atom"})]),
        ("twenty-five cells, 3.5 metres, one cell", [("25", {"cell"})]),
        ("drei Zellen, fünfundzwanzig Jahre", [("3", {"zellen"}), ("25", set())]),
        ("two of them", [("2", set())]),
    ],
)
def test_counts(text: str, found: list[tuple[str, set[str]]]) -> None:
    assert [(number, set(things)) for number, things in counts(text)] == found


def test_negations() -> None:
    assert negations("It does not, and it doesn't, and never will.") == 3
    assert negations("Notable knots.") == 0
