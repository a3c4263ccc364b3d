"""What is put right in a lesson without a model: only what is certain, and on record."""

from typing import Any

import pytest

from src.domain.quality.mending import mended
from tests.lessons import PASSAGES, TEXT, reviewed, text

FIRST, SECOND = TEXT["sections"]


def mend(content: str, heading: str = "Cells", language: str = "en") -> str:
    """The first section's content after mending."""
    lesson = text(sections=[{"heading": heading, "content": content}, SECOND])
    return mended(lesson, [], language)[0].sections[0].content


def terms(*definitions: str) -> list[dict[str, str]]:
    return [{"term": f"term {number}", "definition": said} for number, said in enumerate(definitions, start=1)]


def test_a_good_lesson_stays_as_it_is() -> None:
    lesson = text()
    assert mended(lesson, PASSAGES, "en") == (lesson, ())


class TestHeadings:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("## More\n\nText.", "**More**\n\nText."),
            ("Text.\n### More ###\nText.", "Text.\n\n**More**\n\nText."),
            ("Text.\n\nMore\n----\n\nText.", "Text.\n\n**More**\n\nText."),
            ("More\n====\nText.", "**More**\n\nText."),
            ("## **More**\n\nText.", "**More**\n\nText."),
            ("## 更多\n\n文字。", "**更多**\n\n文字。"),
        ],
    )
    def test_a_heading_inside_a_part_becomes_a_bold_line(self, given: str, shown: str) -> None:
        assert mend(given) == shown

    @pytest.mark.parametrize(
        "given", ["## Cells\n\nText.", "# CELLS\nText.", "Cells\n=====\nText.", "\n## Cells:\n\nText."]
    )
    def test_the_parts_own_heading_is_not_said_twice(self, given: str) -> None:
        assert mend(given) == "Text."

    def test_nor_is_the_word_that_stands_over_the_introduction(self) -> None:
        lesson = text(introduction="## Einführung\n\nSieh dir ein Blatt an.")
        assert mended(lesson, [], "de")[0].introduction == "Sieh dir ein Blatt an."

    @pytest.mark.parametrize(
        "given",
        [
            "Write this:\n\n```python\n# not a heading\nx = 1\n```\n\nIt runs.",
            "#include is a word of C.",
            "Text:\n\n    # indented code",
            "| a |\n---",
            "It rains.\n---\nIt is dry.",
            "It rains in one place\nand not in the other\n---\nText.",
            "- one\n---",
            "~~~\nTitle\n=====\n~~~",
            "## " + "x" * 400,
            "The key of F# minor.",
        ],
    )
    def test_what_may_be_something_else_stays(self, given: str) -> None:
        assert mend(given) == given

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("## Cells", "Cells"),
            ("**Cells**", "Cells"),
            ("### **Cells**", "Cells"),
            ("# Cells", "Cells"),
            ("# of moles", "# of moles"),
            ("C# and F#", "C# and F#"),
            ("__init__", "__init__"),
            ("**a** and **b**", "**a** and **b**"),
        ],
    )
    def test_a_heading_has_no_level_of_its_own(self, given: str, shown: str) -> None:
        lesson = text(sections=[{**FIRST, "heading": given}, SECOND])
        assert mended(lesson, [], "en")[0].sections[0].heading == shown


class TestTerms:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            (["cell:", "**wall:**"], ["cell", "wall"]),
            (["**cell**", "**wall**"], ["cell", "wall"]),
            (["細胞：", "膜："], ["細胞", "膜"]),
            (["else:", "if"], ["else:", "if"]),
            (["std::", "a::"], ["std::", "a::"]),
            (["__init__", "class"], ["__init__", "class"]),
        ],
    )
    def test_a_term_has_no_colon_and_no_emphasis(self, given: list[str], shown: list[str]) -> None:
        lesson = text(key_terms=[{"term": term, "definition": "It is one."} for term in given])
        assert [term.term for term in mended(lesson, [], "en")[0].key_terms] == shown


class TestNumbers:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("1. a\n1. b\n1. c", "1. a\n2. b\n3. c"),
            ("1. a\n2. b\n2. c\n3. d", "1. a\n2. b\n3. c\n4. d"),
            ("1) a\n\n   more\n\n1) b", "1) a\n\n   more\n\n2) b"),
            ("Do:\n\n1. a\n1. b\n\nThen:\n\n1. c\n1. d", "Do:\n\n1. a\n2. b\n\nThen:\n\n1. c\n2. d"),
        ],
    )
    def test_a_list_counts_up_as_it_is_shown(self, given: str, shown: str) -> None:
        assert mend(given) == shown

    @pytest.mark.parametrize(
        "given",
        [
            "1. a\n2. b",
            "1. a\n3. b",
            "3. a\n2. b\n1. c",
            "1. Mai\n3. Oktober",
            "2. a\n2. b",
            "```\n1. a\n1. b\n```",
            "1. a\n\nThen.\n\n1. b",
            "1.5 and 1.5",
        ],
    )
    def test_gaps_and_other_orders_may_be_meant(self, given: str) -> None:
        assert mend(given) == given


class TestSpaces:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("One.  Two.   Three.", "One. Two. Three."),
            ("- one  two\n  - three  four", "- one two\n  - three four"),
        ],
    )
    def test_words_have_one_between_them(self, given: str, shown: str) -> None:
        assert mend(given) == shown

    @pytest.mark.parametrize(
        "given",
        [
            "Roses are red,  \nviolets are blue.",
            "`a  b` is code.",
            "```\na  b\n```",
            "Text:\n\n    a  b",
            "| a   | b   |\n|-----|-----|\n| c   | d   |",
            "$a  b$ and \\(c  d\\)",
            "1.  one\n2.  two",
        ],
    )
    def test_code_tables_formulas_and_ends_of_lines_keep_theirs(self, given: str) -> None:
        assert mend(given) == given


class TestFullStops:
    def test_the_one_definition_without_gets_it_if_its_words_end_a_sentence_elsewhere(self) -> None:
        lesson = text(
            key_terms=terms("A unit of life.", "What all living things have.", "A thin skin, like a unit of life")
        )
        new, mends = mended(lesson, PASSAGES, "en")
        assert new.key_terms[2].definition == "A thin skin, like a unit of life."
        assert [(it.what, it.where) for it in mends] == [("full_stop", "key_terms.3")]

    def test_it_is_the_sign_of_the_others_in_front_of_the_citation(self) -> None:
        lesson = text(
            key_terms=terms("细胞是生命的单位。", "植物有叶子。", "这是所有生命的单位 [1]"),
            summary="我们说过：细胞是所有生命的单位。",
        )
        assert mended(lesson, [], "zh")[0].key_terms[2].definition == "这是所有生命的单位。 [1]"

    @pytest.mark.parametrize(
        "definitions",
        [
            ("A unit of life.", "What all have.", "A thin skin around"),  # cut off, for all that can be told
            ("A unit of life", "What all have", "A thin skin"),  # none has one
            ("A unit of life.", "What all have", "A thin skin"),
            ("A unit of life.", "What all have.", "The **unit of life**"),
            ("A unit of life.", "What all have.", "Is it a unit of life?"),
            ("A unit of life.", "A unit of life"),  # of two, which is the odd one?
        ],
    )
    def test_what_may_be_cut_off_or_meant_stays(self, definitions: tuple[str, ...]) -> None:
        lesson = text(key_terms=terms(*definitions))
        assert mended(lesson, PASSAGES, "en") == (lesson, ())

    def test_an_item_of_a_list_gets_what_the_other_items_have(self) -> None:
        content = "They have these:\n\n- A skin.\n- A wall.\n- What is a unit of life"
        assert mend(content) == content + "."

    def test_a_part_gets_it_too(self) -> None:
        content = "A cell is small. It is called a unit of life"
        assert mend(content) == content + "."

    @pytest.mark.parametrize(
        "end", ["**a unit of life**", "a unit of life ✋✌️", "a unit of $x$", "a unit of life, and so"]
    )
    def test_a_part_that_ends_otherwise_stays(self, end: str) -> None:
        content = f"A cell is small. It is called {end}"
        assert mend(content) == content


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"sections": [{**FIRST, "content": "## Cells\n\n" + FIRST["content"]}, SECOND]}, "sections.1"),
        ({"introduction": TEXT["introduction"].replace(". ", ".  ")}, "introduction"),
    ],
)
def test_what_was_mended_is_on_record_and_no_finding(change: dict[str, Any], where: str) -> None:
    found = reviewed(**change)
    assert found.findings == ()
    assert [mend.where for mend in found.value.quality.mended] == [where]
    assert found.value.quality.as_json()["mended"][0]["where"] == where
