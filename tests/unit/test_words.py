import unicodedata

import pytest

from src.domain.normal_form import normal_text
from src.domain.words import _BARE_WORD, _MARKED, _WORD, content_stems, function_words, negations, stem, words


def test_words_keep_the_marks_and_joiners_of_their_script() -> None:
    assert words("कोशिका झिल्ली, DON'T l’eau می‌روم 3D") == ("कोशिका", "झिल्ली", "don't", "l'eau", "می‌روم", "3d")


def test_scripts_without_spaces_are_taken_in_pairs_and_others_beside_them_whole() -> None:
    assert words("DNA分子ー 3年間") == ("dna", "分子", "子ー", "3", "年間")
    assert words("ເຊລ") == ("ເຊ", "ຊລ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cells", "cell"), ("photosynthesis", "photosynthetic"), ("membrane", "membranes"), ("Darwin's", "Darwin"),
        ("reached", "reach"), ("ended", "ends"), ("walking", "walk"),
    ],
)  # fmt: skip
def test_inflected_forms_share_a_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("cell", "cork"), ("glass", "gla"), ("virus", "viru"), ("ash", "as")])
def test_other_words_do_not(one: str, other: str) -> None:
    assert stem(one) != stem(other)


def test_function_words_carry_no_content_and_short_words_do() -> None:
    assert content_stems("What is it that they have with their cells?") == ("cell",)
    assert content_stems("The ash of an ion, and DNA") == ("ash", "ion", "dna")
    assert content_stems("It is of us.") == ("it", "is", "of", "us")  # nothing else: then all of them
    assert content_stems("Die Zellen der Haut", "de") == ("zell", "haut")


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("клетка", "клетками", "ru"),
        ("Blatt", "Blätter", "de"),
        ("célula", "células", "es"),
        ("الخلية", "خلية", "ar"),
        ("세포는", "세포를", "ko"),
        ("והמלחמה", "מלחמה", "he"),
        ("πόλεμος", "πολέμου", "el"),
    ],
)
def test_forms_of_a_word_share_a_stem_in_its_language(one: str, other: str, language: str) -> None:
    assert content_stems(one, language) == content_stems(other, language)


def test_negations() -> None:
    assert negations("It does not, and it doesn't, and never will.") == 3
    assert negations("Notable knots.") == 0
    assert negations("他不去", "zh") == 1
    assert negations("Il ne vient pas", "fr") == 1
    assert negations("Dette er ikke sandt", "da") is None  # it can't be told


def test_words_are_the_same_however_they_are_looked_for() -> None:
    bare = [char for char in map(chr, range(0x20, 0x30000)) if not _MARKED.search(char) and normal_text(char) == char]
    for char in bare:
        text = f"a{char}b'{char}"
        is_same = tuple(_BARE_WORD.findall(text)) == tuple(_WORD.findall(text))
        assert is_same or unicodedata.category(char) == "Cn", hex(ord(char))  # later Unicode may give it to letters


def test_function_words_are_known_by_language() -> None:
    known = function_words()
    assert "the" in known["en"] and "der" in known["de"] and "есть" in known["ru"]
    assert "cell" not in known["en"] and "xx" not in known
