import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.markdown_syntax import code_spans, has_open_block, masked, without_blocks, without_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a `b` c", ["`b`"]),
        ("``a ` b`` c", ["``a ` b``"]),
        ("a ```b``` c", ["```b```"]),
        ("```\nx\n```\nthen `y`", ["```\nx\n```\n", "`y`"]),
        ("~~~\nx\n~~~ y\n~~~\nz", ["~~~\nx\n~~~ y\n~~~\n"]),
        ("- i\n  ```\n  x\n  ```\nz", ["  ```\n  x\n  ```\n"]),
        ("````\n```\n````\n", ["````\n```\n````\n"]),
        ("Type ``` to begin", []),
        ("\\`a\\`", []),
        ("`a\n\nb`", []),
        ("``` a`b\nx", []),
        ("", []),
    ],
)
def test_where_code_stands(text: str, code: list[str]) -> None:
    assert [text[start:end] for start, end in code_spans(text)] == code


def test_a_block_without_its_end_goes_to_the_end() -> None:
    text = "a\n```py\nx\n"
    assert has_open_block(text) and not has_open_block(text + "```")
    assert masked(text, "#") == "a\n" + "#" * 8
    assert without_blocks(text + "```\nb") == "a\nb"
    assert without_code("a `b` c") == "a   c"


@given(st.text() | st.lists(st.sampled_from(["`", "``", "```", "~~~", "\n", " ", "a", "\\\\", "- "])).map("".join))
def test_spans_are_in_order_and_masking_keeps_every_place(text: str) -> None:
    end = 0
    for start, stop in code_spans(text):
        assert end <= start < stop <= len(text)
        end = stop
    assert len(masked(text, "#")) == len(text)
