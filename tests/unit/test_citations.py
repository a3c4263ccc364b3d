"""What the text marks with [1] must be said by the passage that it names; anything else is taken out and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.citation import CitationDraft
from src.domain.quality.citations import is_cited, markers, without_markers
from src.domain.quality.verification import Cited, verified
from src.domain.source import Passage

CELLS = Passage(
    "bio/cells.md",
    "Membrane",
    "The cell membrane is the thin border of the cell. It lets water in. In 1665 Robert Hooke saw three cells in cork.",
    1.0,
    1000,
    "a" * 64,
)
CORK = Passage("bio/cork.md", "", "Cork is the bark of an oak that grows in Portugal, 20 metres high.", 1.0)
BORDER = "The cell membrane is the thin border of the cell."
HOOKE = "In 1665 Robert Hooke saw three cells in cork."


def drafted(number: int, passage: int, quote: str) -> CitationDraft:
    """A citation as a model may give it, not validated: verifying has to hold against anything."""
    return CitationDraft.model_construct(number=number, passage=passage, quote=quote)


def cite(text: str, *drafts: CitationDraft, language: str = "en") -> Cited:
    return verified({"introduction": text}, drafts, [CELLS, CORK], language)


def shown(text: str, *drafts: CitationDraft, language: str = "en") -> str:
    return cite(text, *drafts, language=language).fields["introduction"]


def reasons(text: str, *drafts: CitationDraft) -> list[str]:
    return [removed.reason for removed in cite(text, *drafts).removed]


class TestVerified:
    def test_a_good_one_says_where_in_the_document_it_is_from(self) -> None:
        found = cite("The membrane is a border. [1]", drafted(1, 1, "the THIN border of the cell"))
        (citation,) = found.citations
        assert (citation.number, citation.document, citation.section) == (1, "bio/cells.md", "Membrane")
        assert (
            CELLS.text[citation.start - 1000 : citation.end - 1000] == citation.quote == "the thin border of the cell"
        )
        assert (citation.score, citation.version) == (100, "a" * 64)
        assert (found.fields["introduction"], found.removed) == ("The membrane is a border. [1]", ())

    def test_they_are_numbered_in_the_order_of_reading(self) -> None:
        found = verified(
            {"introduction": "Hooke saw cells [7]. It is a border [3].", "sections.1": "In cork [7]. Oak bark [2,3]."},
            [
                drafted(2, 2, "Cork is the bark of an oak"),
                drafted(3, 1, BORDER),
                drafted(7, 1, HOOKE),
            ],
            [CELLS, CORK],
        )
        assert found.fields["introduction"] == "Hooke saw cells [1]. It is a border [2]."
        assert found.fields["sections.1"] == "In cork [1]. Oak bark [3][2]."
        assert [citation.number for citation in found.citations] == [1, 2, 3]

    def test_one_quote_may_stand_for_several_sentences(self) -> None:
        assert len(cite("A border [1]. Thin [1].", drafted(1, 1, BORDER)).citations) == 1

    def test_one_that_the_text_does_not_use_is_no_reference(self) -> None:
        found = cite("A border [1].", drafted(1, 1, BORDER), drafted(2, 1, HOOKE))
        assert [citation.number for citation in found.citations] == [1]
        assert found.removed == ()

    def test_what_looks_like_one_in_code_is_left_alone(self) -> None:
        text = "Write `a[1]` here.\n\n```\nb[2] = 3\n```\n\nA border. [1]"
        assert shown(text, drafted(1, 1, BORDER)) == text


class TestTakenOut:
    @pytest.mark.parametrize(
        ("draft", "reason"),
        [
            (drafted(1, 1, "The cell wall is the thick border of the plant."), "is not in passage 1"),
            (drafted(1, 2, BORDER), "is not in passage 2"),
            (drafted(1, 3, BORDER), "no passage has the number 3"),
            (drafted(1, 0, BORDER), "no passage has the number 0"),
            (drafted(1, -1, BORDER), "no passage has the number -1"),
            (drafted(1, 1, "the cell"), "is too short"),
            (drafted(2, 1, BORDER), "no citation has that number"),
        ],
    )
    def test_a_false_one_is_not_shown_but_counted(self, draft: CitationDraft, reason: str) -> None:
        found = cite("The membrane is a border [1]. And more.", draft)
        assert found.fields["introduction"] == "The membrane is a border. And more."
        assert found.citations == ()
        assert [removed.where for removed in found.removed] == ["introduction"]
        assert reason in found.removed[0].reason
        assert "The membrane is a border" in found.removed[0].sentence

    @pytest.mark.parametrize(
        ("sentence", "missing"),
        [
            ("Hooke saw 4 cells [1].", "'4'"),
            ("In 1666 Hooke saw cells [1].", "'1666'"),
            ("There Anton Leeuwenhoek saw cells [1].", "'Leeuwenhoek'"),
            ("He found DNA in cork [1].", "'DNA'"),
        ],
    )
    def test_numbers_and_names_must_stand_in_the_passage(self, sentence: str, missing: str) -> None:
        (reason,) = reasons(sentence, drafted(1, 1, HOOKE))
        assert "its passage does not say" in reason and missing in reason

    @pytest.mark.parametrize(
        "sentence",
        [
            "Robert Hooke's cork held 3 cells, in the year 1665 [1].",
            "Portugal is far from here, and Hooke lived elsewhere [1][2].",
            "Three cells were seen [1].",
            "Beware: Anything may follow a colon [1].",
        ],
    )
    def test_what_the_passage_says_in_other_words_is_kept(self, sentence: str) -> None:
        drafts = (drafted(1, 1, HOOKE), drafted(2, 2, "Cork is the bark of an oak"))
        assert reasons(sentence, *drafts) == []

    def test_of_two_in_a_sentence_the_good_one_stays(self) -> None:
        text = shown(
            "A border [1][2].",
            drafted(1, 1, BORDER),
            drafted(2, 1, "The nucleus is the heart of the cell."),
        )
        assert text == "A border [1]."

    def test_german_nouns_are_no_names(self) -> None:
        assert unsupported_facts("Die kleine Zelle hat eine dünne Haut.", [CELLS], "de") == []
        assert unsupported_facts("Im Jahr 1789 war das so.", [CELLS], "de-AT") == ["1789"]


class TestNumberWords:
    """They are held against a passage that counts the same things."""

    @pytest.mark.parametrize(
        "sentence",
        [
            "Hooke saw three cells. [1]",
            "Hooke saw 3 small cells. [1]",
            "Two borders keep it apart. [1]",  # the passage counts no borders
            "One of the cells was small. [1]",
            "Hooke lived some twenty years after that. [1]",
        ],
    )
    def test_what_the_passage_counts_so_or_not_at_all_may_be_said(self, sentence: str) -> None:
        assert not reasons(sentence, drafted(1, 1, HOOKE))

    @pytest.mark.parametrize("count", ["four", "twenty-three", "vier", "चार"])
    def test_what_it_counts_otherwise_may_not(self, count: str) -> None:
        (reason,) = reasons(f"In cork Hooke saw {count} tiny cells. [1]", drafted(1, 1, "Robert Hooke saw three cells"))
        assert "its passage counts otherwise than" in reason


class TestOtherBrackets:
    """Mathematics and code write numbers in brackets too."""

    @pytest.mark.parametrize(
        "text",
        [
            "On the closed interval [0, 1] it grows.",
            "A die shows one of [1, 2, 3, 4, 5, 6] each time.",
            "Take a[1] and M[2, 3] and f(x)[1] here.",
            "See [1](page.md) for more.",
            r"The root $\sqrt[3]{8}$ is small, and so is \sqrt[2]{x}.",
            r"Here \(x \in [1, 2]\) and $$\ce{A ->[1] B}$$ hold.",
        ],
    )
    def test_they_are_let_be(self, text: str) -> None:
        assert shown(text, drafted(1, 1, BORDER), drafted(2, 1, HOOKE), drafted(3, 1, HOOKE)) == text
        assert shown(text) == text

    def test_a_citation_may_stand_close_to_its_word(self) -> None:
        assert shown("The border is thin[1].", drafted(1, 1, BORDER)) == "The border is thin [1]."

    @pytest.mark.parametrize("text", ["So $E = mc^2 [9]$.", "So $x$ is [9]. It costs $5 [9] and $6 [9]."])
    def test_one_at_the_end_of_a_formula_or_between_two_sums_is_taken_out(self, text: str) -> None:
        assert "[9]" not in shown(text, drafted(1, 1, BORDER))

    @pytest.mark.parametrize("code", ["Type ``` to begin. It is so [9].", "Use \\`x [9]\\` now."])
    def test_what_only_looks_like_code_hides_none(self, code: str) -> None:
        assert "[9]" not in shown(code, drafted(1, 1, BORDER))


def test_markers() -> None:
    assert markers("One [1], two [2, 3]; `not [4]`") == [1, 2, 3]
    assert is_cited("One. [1]") and not is_cited("`a[1]`") and not is_cited("[one]")
    assert without_markers("One [1], two.[2] `a[1]`") == "One, two. `a[1]`"


odd = st.text(max_size=60) | st.lists(
    st.sampled_from(["[1]", "[2,1]", " ", "A", "a. ", "`", "```\n", "\n\n", "1665", "Hooke", BORDER, "[", "]", "- "]),
    max_size=20,
).map("".join)
drafts = st.lists(st.builds(drafted, st.integers(0, 3), st.integers(-1, 3), odd | st.sampled_from([BORDER, HOOKE])))


@given(odd, drafts)
def test_whatever_is_shown_is_verified(text: str, given_claims: list[CitationDraft]) -> None:
    found = cite(text, *given_claims)
    numbers = markers(found.fields["introduction"], {citation.number for citation in found.citations})
    assert set(numbers) == {citation.number for citation in found.citations}
    assert sorted(set(numbers)) == list(range(1, len(set(numbers)) + 1))
    for citation in found.citations:
        passage = CELLS if citation.document == CELLS.document else CORK
        assert passage.text[citation.start - passage.start : citation.end - passage.start] == citation.quote
    assert len(markers(text)) >= len(numbers) + len(found.removed) - 60  # a sentence may cite one number twice
    again = verified(
        found.fields,
        [drafted(r.number, 1 if r.document == CELLS.document else 2, r.quote) for r in found.citations],
        [CELLS, CORK],
    )
    assert again.fields == found.fields
