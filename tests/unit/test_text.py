import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.text import has_control_characters, printable, shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("two\nlines\tand\r\nmore", "two lines and  more"),
        ("NUL\0 escape\x1b[31m", "NUL\ufffd escape\ufffd[31m"),
        ("half \ud83d a pair", "half \ufffd a pair"),
        ("🎓 कोशिका", "🎓 कोशिका"),
    ],
)
def test_what_can_not_be_stored_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_is_too_long_is_cut() -> None:
    assert printable("x" * 10, 10) == "x" * 10
    assert printable("x" * 11, 10) == "x" * 9 + "…"


@given(st.text(st.characters()), st.integers(1, 50))
def test_whatever_the_text_it_can_be_stored(text: str, most: int) -> None:
    shown = printable(text, most)
    assert len(shown) <= most
    assert not has_control_characters(shown)
    assert json.loads(json.dumps(shown).encode()) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b]0;owned\x07\x9b31m", "\ufffd]0;owned\ufffd\ufffd31m"),
        ("a\nINFO fake", "a INFO fake"),
        ("\u202egpj.md", "\\u202egpj.md"),
        ("\u2066a\u2069\u200e\u200f\u061c\u2028", "\\u2066a\\u2069\\u200e\\u200f\\u061c\\u2028"),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_nothing_steers_a_terminal(text: str, seen: str) -> None:
    assert shown(text) == seen
