import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.language_recognition import language_of, other_language, other_script

CZECH = "Buňka je základní stavební jednotka všech živých organismů a její jádro řídí děje uvnitř ní."
DANISH = "Cellen er den mindste levende del af planter og dyr, og den har en kerne, der styrer, hvad der sker i den."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A cell is the smallest living part of plants and animals.", "en"),
        (CZECH, "cs"),
        (DANISH, "da"),
        ("कोशिका जीवन की सबसे छोटी इकाई है।", "hi"),
        ("細胞是生命的最小單位", "zh"),
        ("42", "und"),
        ("", "und"),
    ],
)
def test_the_language_of_a_document(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_language_that_is_none_of_the_common_ones_is_known_where_it_is_wanted() -> None:
    assert other_language(f"{DANISH} {DANISH}", "da") is None
    assert (
        other_language("The cell is the smallest living part of every plant and of every animal. " * 3, "da")
        == "English"
    )


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("DNAのヌクレオチドを構成しないものはどれか．", "Japanese"),
        ("วัตถุมวล 54 g ปริมาตร 20 cm³ มีความหนาแน่นเท่าใด", "Thai"),
        ("The angles α, β, γ and δ of ABCD", None),
    ],
)
def test_units_and_abbreviations_are_of_no_script(text: str, script: str | None) -> None:
    assert other_script(text, "en") == script


@given(st.text(), st.text())
def test_nothing_raises(text: str, language: str) -> None:
    language_of(text)
    other_language(text * 20, language)
