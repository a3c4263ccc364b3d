from dataclasses import fields

import pytest

from src.domain.fixed_words import FixedWords, fixed_words
from src.domain.language_tag import direction

SHARED = {("de", "kindergarten"), ("hi", "quoted"), *(("en", field.name) for field in fields(FixedWords))}


@pytest.mark.parametrize("language", ["en", "de", "hi", "ar"])
def test_every_language_of_the_table_has_every_word_and_the_same_places(language: str) -> None:
    for field in fields(FixedWords):
        own, english = getattr(fixed_words(language), field.name), getattr(fixed_words("en"), field.name)
        assert own and own.count("{}") == english.count("{}")
        assert own != english or (language, field.name) in SHARED


@pytest.mark.parametrize("language", ["de-AT", "DE", "de-Latn-CH"])
def test_a_variant_has_those_of_its_language(language: str) -> None:
    assert fixed_words(language) == fixed_words("de")


def test_a_language_that_has_none_gets_the_english_ones() -> None:
    assert fixed_words("sw") == fixed_words("x-private") == fixed_words("en")


@pytest.mark.parametrize(
    ("language", "expected"),
    [("ar", "rtl"), ("ar-EG", "rtl"), ("fa", "rtl"), ("he", "rtl"), ("ur", "rtl"), ("en", "ltr"), ("hi", "ltr"),
     ("uz-Arab", "rtl"), ("ar-Latn", "ltr"), ("pa-arab", "rtl"), ("", "ltr")],
)  # fmt: skip
def test_which_way_a_language_is_written(language: str, expected: str) -> None:
    assert direction(language) == expected
