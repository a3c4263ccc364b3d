"""How documents fall into passages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.markdown_syntax import atx_heading
from src.domain.passage_splitting import PASSAGE_CHARACTERS, Span, split


def shown(text: str) -> list[tuple[str, str]]:
    return [(span.section, text[span.start : span.end]) for span in split(text)]


def test_each_heading_begins_a_passage_and_paragraphs_stay_whole() -> None:
    text = "Before.\n\n# Cells\n\nOne.\n\nTwo\nlines.\n## Membrane ##\nA border.\n\n# Cells\n\nAgain."
    assert shown(text) == [
        ("", "Before."),
        ("Cells", "One.\n\nTwo\nlines."),
        ("Membrane", "A border."),
        ("Cells", "Again."),
    ]


def test_a_long_section_is_split_between_paragraphs() -> None:
    paragraph = "A cell is small. " * 40
    text = f"# Cells\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}"
    assert [len(passage) for _, passage in shown(text)] == [2 * len(paragraph) + 1, len(paragraph) - 1]


def test_a_long_paragraph_is_split_at_the_ends_of_sentences() -> None:
    passages = [passage for _, passage in shown("A cell is a small thing. " * 200)]
    assert all(passage.startswith("A cell") and passage.endswith("thing.") for passage in passages)
    assert all(len(passage) > PASSAGE_CHARACTERS // 2 for passage in passages[:-1])
    chinese = [passage for _, passage in shown("细胞是生命的基本单位。" * 300)]
    assert len(chinese) > 1 and all(passage.endswith("。") for passage in chinese)


@pytest.mark.parametrize("sign", ["x", "word ", "row | row\n"])
def test_what_has_no_sentences_is_split_too(sign: str) -> None:
    passages = [passage for _, passage in shown(sign * 3000)]
    assert all(len(passage) <= PASSAGE_CHARACTERS for passage in passages)
    assert "".join("".join(passages).split()) == "".join((sign * 3000).split())


@pytest.mark.parametrize("odd", ["```", "    ```", "foo\x0c```", "foo\u2028~~~"])
def test_what_only_looks_like_the_beginning_of_code_takes_no_heading_away(odd: str) -> None:
    text = f"# A\n\nOne.\n\n{odd}\n\nTwo.\n\n# B\n\nThree."
    assert [span.section for span in split(text)] == ["A", "B"]


@pytest.mark.parametrize("fence", ["```", "~~~~", "```python", "\t```"])
def test_what_looks_like_a_heading_in_a_block_of_code_is_none(fence: str) -> None:
    text = f"# A\n\n{fence}\n# a comment\n\nx = 1\n{fence[:4].rstrip('p')}\n\n# B\n\nEnd."
    assert [section for section, _ in shown(text)] == ["A", "B"]


def test_code_in_a_line_opens_no_block() -> None:
    assert [section for section, _ in shown("```x``` is code\n\n# B\n\nEnd.")] == ["", "B"]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# Cells", "Cells"),
        ("   ###### Deep ######", "Deep"),
        ("## C# and F#", "C# and F#"),
        ("#", ""),
        ("## ##", ""),
        ("#hashtag", None),
        ("####### seven", None),
        ("    # code", None),
        ("text # not", None),
        ("", None),
    ],
)
def test_headings(line: str, title: str | None) -> None:
    assert atx_heading(line) == title


markdown = st.lists(
    st.sampled_from(["# H", "## H", "\n", "\n\n", "```", "~~~", " ", "word", "A sentence. ", "x" * 1600, "。", "\r\n"])
    | st.text(max_size=30),
    max_size=60,
).map("".join)


@given(markdown)
def test_nothing_is_lost_doubled_or_out_of_order(text: str) -> None:
    spans = list(split(text))
    ends = [0]
    for span in spans:
        assert isinstance(span, Span)
        assert ends[-1] <= span.start < span.end
        passage = text[span.start : span.end]
        assert passage == passage.strip() != ""
        assert len(passage) <= PASSAGE_CHARACTERS
        ends.append(span.end)
    between = [text[end : span.start] for end, span in zip(ends, spans, strict=False)] + [text[ends[-1] :]]
    for gap in between:
        assert all(not line.strip() or atx_heading(line) is not None for line in gap.split("\n"))
