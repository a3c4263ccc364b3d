"""What the text marks with [1] must be said by the passage that it names; anything else is taken out and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.citation import CitationDraft
from src.domain.quality.citations import is_cited, markers, renumbered, without_markers
from src.domain.quality.claimed_names import names_of
from src.domain.quality.claimed_numbers import wrong_numbers
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

    @pytest.mark.parametrize(
        ("sentence", "missing"),
        [
            ("Two chemists, Samuel Ruben and Martin Kamen, showed it [1].", []),
            ("Two chemists, Sven Lindqvist and Martin Kamen, showed it [1].", ["Sven", "Lindqvist"]),
            ("The Escherichia of the gut is harmless, unlike other coli [1].", []),
            ("The physicist Joseph John Thomson showed it [1].", []),
        ],
    )
    def test_an_initial_stands_for_a_name_only_before_what_follows_it(self, sentence: str, missing: list[str]) -> None:
        passage = (
            "In 1941 the chemists S. Ruben and M. Kamen showed it. J. J. Thomson didn't. E. coli lives in the gut."
        )
        found = held(sentence, passage)
        assert [all(name in reason for name in missing) for reason in found] == [True] * bool(missing)

    def test_of_two_in_a_sentence_the_good_one_stays(self) -> None:
        text = shown(
            "A border [1][2].",
            drafted(1, 1, BORDER),
            drafted(2, 1, "The nucleus is the heart of the cell."),
        )
        assert text == "A border [1]."

    def test_german_nouns_are_no_names(self) -> None:
        assert names_of("Die kleine Zelle hat eine dünne Haut.", (), "de") == []
        assert wrong_numbers("Im Jahr 1789 war das so.", BORDER, [CELLS.text], "de-AT") == ["1789"]


def held(sentence: str, passage: str, language: str = "en") -> list[str]:
    """The reasons for which a sentence's citation is taken out, if its passage is its quotation too."""
    found = verified({"sections.1": sentence}, [drafted(1, 1, passage)], [Passage("a.md", "", passage, 1.0)], language)
    return [removed.reason for removed in found.removed]


class TestOtherForms:
    """A true sentence may say in another form what its passage says."""

    @pytest.mark.parametrize(
        ("sentence", "passage"),
        [
            ("It was built in 432 BCE [1].", "The temple was completed in 432 BC by the city."),
            ("He lived in the US until then [1].", "He lived in the United States until then."),
            ("He was born in the United States [1].", "He was born in the US and lived there."),
            ("A study of the USA was printed [1].", "A study of the United States of America was printed."),
            ("It was the worst year of the Second World War [1].", "It was the worst year of World War II in Europe."),
            ("It ended World War II in Europe [1].", "It ended the Second World War in Europe."),
            ("Then the Dane Bohr found it out [1].", "The Danish physicist Bohr found it out."),
            ("In the gut Escherichia coli lives in numbers [1].", "In the gut E. coli lives in great numbers."),
            ("It was Brønsted in Denmark who saw it [1].", "In Copenhagen it was Brønsted who saw it first."),
            ("He dies in Act 3 of the play [1].", "He dies in Act III of the play, in Verona."),
            ("It takes up CO2, H2O and 10^6 b^2 [1].", "It takes up CO₂, H₂O and 10⁶ b² from outside."),
            ("It takes up CO₂, H₂O and 10⁶ b² [1].", "It takes up CO2, H2O and 10^6 b^2 from outside."),
        ],
    )
    def test_of_a_name_are_kept(self, sentence: str, passage: str) -> None:
        assert held(sentence, passage) == []

    @pytest.mark.parametrize(
        ("sentence", "passage", "language"),
        [
            ("It was fought from 1914 to 1918 [1].", "It was fought in 1914–18, mostly in Europe.", "en"),
            ("It began in the 19th century [1].", "It began in the nineteenth century in Wales.", "en"),
            ("It began in the 18th century [1].", "He wrote the first of them in 1754 in Berlin.", "en"),
            ("Il naît au XVIIIᵉ siècle [1].", "Il est né en 1754 dans une petite ville.", "fr"),
            ("It was official in the late 1950s [1].", "It was made official on 11 February 1958.", "en"),
            ("There were 1.5 million people [1].", "There were 1,500,000 people in the town.", "en"),
            ("There were 17 000 people [1].", "There were 17,000 people in the town.", "en"),
            ("There were 17\u2009000 people [1].", "There were 17,000 people in the town.", "en"),
            ("There were 17\u00a0000 people [1].", "There were 17,000 people in the town.", "en"),
            ("There were 17'000 people [1].", "There were 17,000 people in the town.", "en"),
            ("There were 1,00,000 people [1].", "There were 100000 people in the town.", "en"),
            ("There were 100 000 steps [1].", "There were 10^5 steps in all, no more.", "en"),
            ("The station is at about 3.5 km [1].", "The station lies at an elevation of 3,488 meters.", "en"),
            ("He had fewer than two hundred men [1].", "He had 168 men with him on that day.", "en"),
            ("It is 1/40 of the savings [1].", "It is 2.5 % of the savings each year.", "en"),
            ("It covers 25 % of it [1].", "It covers a quarter of the whole surface.", "en"),
            ("The chance is 49.1 % [1].", "The chance is about 0.491 in all such games.", "en"),
            ("Their ages differ by 19 years [1].", "He was born in 1884 and she in 1903, in Kyiv.", "en"),
            ("It fell by 0.1 [1].", "On average it has fallen from about 8.2 to 8.1.", "en"),
            ("It boils at 212 °F [1].", "At sea level water boils at 100 °C, and freezes at 0 °C.", "en"),
            ("It is 1.8 °F warmer [1].", "Since that year it has become 1 °C warmer there.", "en"),
            ("The town grew by 25 % [1].", "The town grew from 400 to 500 people in ten years.", "en"),
            ("That is 40 % of the class [1].", "In the class of 30 pupils 12 walk to school.", "en"),
            ("So 75 % of them walk [1].", "Three out of four pupils walk to school every day.", "en"),
            ("So 20 % of them walk [1].", "Every fifth pupil walks to school on every day.", "en"),
            ("The '30s were hard years [1].", "The 1930s were hard years for farmers there.", "en"),
            ("It was passed in ’64 [1].", "The law was passed in 1964 after a long debate.", "en"),
            ("L'arte fiorì nel Settecento [1].", "L'arte fiorì nel XVIII secolo, a Venezia e a Roma.", "it"),
            ("L'arte fiorì nel ’700 [1].", "L'arte fiorì nel XVIII secolo, a Venezia e a Roma.", "it"),
            ("L'arte fiorì nel ’700 [1].", "Quest'arte fiorì a Venezia dal 1720 al 1790.", "it"),
            ("Mieszka tam ok. 1,8 mln ludzi [1].", "W Warszawie mieszka 1 790 658 osób, według danych.", "pl"),
            ("Її ухвалили 28 червня 1996 року [1].", "Її ухвалено Верховною Радою 28.06.1996 на сесії.", "uk"),
            ("Ljuset går 300 000 km på en sekund [1].", "Hastigheten är 299 792 458 meter per sekund.", "sv"),
            ("So its profit was $4,500 [1].", "The shop took in $12,000 and had costs of $7,500 in May.", "en"),
            ("At 19 % the tax on 200 euros is 38 euros [1].", "The rate of the tax is 19 % of the price here.", "en"),
            ("At 20 kg a child gets 200 mg [1].", "The usual dose is 10 mg per kg of body weight a day.", "en"),
            ("Bake it at 350 °F [1].", "Bake the cake at 180 °C for forty minutes, until it is brown.", "en"),
            ("It opened at 3 p.m. [1]", "The gates of the fair opened at 15:00 on the first of May.", "en"),
            ("Es geschah am 22.12.1808 [1].", "Es geschah am 22. Dezember 1808 im Theater.", "de"),
            ("Kışın −46,4 °C ölçüldü [1].", "Kışın sıcaklık eksi 46,4 dereceye düşmüştür.", "tr"),
        ],
    )
    def test_of_a_number_are_kept(self, sentence: str, passage: str, language: str) -> None:
        assert held(sentence, passage, language) == []

    @pytest.mark.parametrize(
        ("sentence", "passage"),
        [
            ("So $3x + 17 = 20$ and 3 + 17 = 20 [1].", "What stands on both sides of it is equal."),
            ("If 30 px meet 20 px, the gap is 30 px [1].", "The distance is the larger of the two, not their sum."),
            ("Then `x[17]` is taken [1].", "Then an element is taken by its index, from zero."),
        ],
    )
    def test_a_formula_or_an_example_has_numbers_of_its_own(self, sentence: str, passage: str) -> None:
        assert held(sentence, passage) == []


class TestSomethingElse:
    """What surely isn't what the passage says."""

    @pytest.mark.parametrize(
        ("sentence", "passage", "language"),
        [
            ("The temple was built in 437 BC [1].", "The temple was completed in 432 BC by the city.", "en"),
            ("The mountain is 8,948 m high [1].", "The mountain is 8,848 m high, as was measured.", "en"),
            ("It killed 2,300,000 people [1].", "It killed some 230,000 people in fourteen countries.", "en"),
            ("It boils at −78 °C [1].", "It boils at 78 °C under normal pressure.", "en"),
            ("It boils at 312 °F [1].", "At sea level water boils at 100 °C, and freezes at 0 °C.", "en"),
            ("At 19 % the tax on 200 euros is 48 euros [1].", "The rate of the tax is 19 % of the price here.", "en"),
            ("Bake it at 450 °F [1].", "Bake the cake at 180 °C for forty minutes, until it is brown.", "en"),
            ("The town grew by 35 % [1].", "The town grew from 400 to 500 people in ten years.", "en"),
            ("The '50s were hard years [1].", "The 1930s were hard years for farmers there.", "en"),
            ("It was passed in ’46 [1].", "The law was passed in 1964 after a long debate.", "en"),
            ("L'arte fiorì nel ’600 [1].", "L'arte fiorì nel XVIII secolo, a Venezia e a Roma.", "it"),
            ("Im Becken sind 12.600 Liter [1].", "Im Becken sind 12 500 Liter und ein Fisch.", "de"),
            ("他在1943年出生[1]。", "他于1893年出生在湖南的一个农民家庭。", "zh"),
            ("He was helped by Boyle in it [1].", "He was helped by Hooke in this experiment.", "en"),
        ],
    )
    def test_another_number_or_name(self, sentence: str, passage: str, language: str) -> None:
        assert "does not say" in held(sentence, passage, language)[0]

    @pytest.mark.parametrize(
        ("sentence", "passage"),
        [
            ("The river is 4,170 km long [1].", "The river is 4,170 m long and very cold."),
            ("The lamp takes 5 V [1].", "The lamp takes 5 A from the mains all day."),
            ("The bag weighs 5 g [1].", "The bag weighs 5 kilograms with the books."),
            ("It is about −270 K there [1].", "It is about −270 °C between the stars."),
        ],
    )
    def test_a_number_in_another_unit(self, sentence: str, passage: str) -> None:
        assert "in another unit" in held(sentence, passage)[0]

    @pytest.mark.parametrize(
        ("sentence", "passage", "language"),
        [
            ("Each lamp does not get the full voltage [1].", "Each lamp gets the full voltage of the source.", "en"),
            ("The war did not end in 1918 [1].", "The war ended in 1918, after four years.", "en"),
            ("The bill did not pass the Senate [1].", "The bill passed the Senate by 73 votes to 27 in June.", "en"),
            ("Columbus did not reach the mainland [1].", "Columbus reached the mainland in 1498.", "en"),
            ("Each lamp gets the full voltage [1].", "Each lamp does not get the full voltage of the source.", "en"),
            ("A base never takes up protons [1].", "A base takes up protons, and a solution feels slippery.", "en"),
            ("La base no acepta protones [1].", "La base acepta protones del agua.", "es"),
            ("Die Lampe bekommt nicht die volle Spannung [1].", "Die Lampe bekommt die volle Spannung.", "de"),
            ("这个灯不得到全部电压[1]。", "这个灯得到全部电压，所以很亮。", "zh"),
        ],
    )
    def test_the_contrary(self, sentence: str, passage: str, language: str) -> None:
        assert "says the contrary" in held(sentence, passage, language)[0]

    @pytest.mark.parametrize(
        ("sentence", "passage"),
        [
            ("It is an ellipse, not a circle [1].", "Kepler showed that the orbit of a planet is an ellipse."),
            ("The law fails for the filament of a lamp [1].", "The filament of a lamp does not obey this law."),
            ("Not only plants have such cells [1].", "Plants have such cells, and animals have them too."),
            ("A lamp in series does not get all of it [1].", "A lamp in parallel gets all of the voltage."),
        ],
    )
    def test_another_denial_isnt_judged(self, sentence: str, passage: str) -> None:
        assert held(sentence, passage) == []


class TestForms:
    """A marker is found in whatever form a model writes it."""

    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("The Bastille fell[9].", "The Bastille fell."),
            ("It fell in 1789[9].", "It fell in 1789."),
            ("at 100 °C[9].", "at 100 °C."),
            ("这很重要[9]。", "这很重要。"),
            ("重要［9］。", "重要。"),
            ("वह गिर गया[9]।", "वह गिर गया।"),
            ("سقط الباستيل[٩].", "سقط الباستيل."),
            ("It fell [^9].", "It fell."),
            ("It fell【9】.", "It fell."),
            ("It fell【9†source】.", "It fell."),
            ("It fell [8, 9].", "It fell."),
            ("It fell [7-9].", "It fell."),
            ("It fell [7–9].", "It fell."),
            ("Great![9] Yes.", "Great! Yes."),
            ("by the sea[9].", "by the sea."),
            ("(the king)[9].", "(the king)."),
            ("| king | 1789[9] |", "| king | 1789 |"),
            ("It fell. [9] [9, 10] Then it rose.", "It fell. Then it rose."),
            ("ลอยในปรอทได้ [9] [9, 10] เพราะ", "ลอยในปรอทได้ เพราะ"),
            ("| sound | 340 m/s [9] |\n| light | 3 × 10⁵ km/s |", "| sound | 340 m/s |\n| light | 3 × 10⁵ km/s |"),
            ("It fell.\n\n[^9]: Passage 2.", "It fell.\n\nPassage 2."),
        ],
    )
    def test_one_that_isnt_declared_is_taken_out_and_counted(self, text: str, left: str) -> None:
        found = cite(text, drafted(1, 1, BORDER))
        assert found.fields["introduction"] == left
        assert found.removed and all("no citation has that number" in it.reason for it in found.removed)

    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("左右[6]。", "左右 [1]。"),
            ("The border is thin[6].", "The border is thin [1]."),
            ("It is thin [^6].", "It is thin [1]."),
            ("It is thin【6】, and so on [7].", "It is thin [1], and so on [2]."),
            ("It is thin [6-7].", "It is thin [1][2]."),
            ("| border[6] | cell |\n|---|---|\n| thin [7] | x |", "| border [1] | cell |\n|---|---|\n| thin [2] | x |"),
        ],
    )
    def test_all_are_numbered_together(self, text: str, left: str) -> None:
        assert shown(text, drafted(6, 1, BORDER), drafted(7, 1, HOOKE)) == left

    @pytest.mark.parametrize(
        "text",
        [
            "plain arr[0] and arr[-1] outside code",
            "`arr[2]` in code",
            "[sic], […], the interval [0, 1], and [lə]",
            "With 4·7 + 2·2 = 32, strictly [32], a 1×1 matrix",
            "Then x[1] and x[1][2] are f(x)[3]",
            "Take values[2], as in `values[0]`",
            "The list [3, 4, 7] is short, [0, 1] shorter",
        ],
    )
    def test_other_brackets_are_left_alone(self, text: str) -> None:
        assert shown(text, drafted(1, 1, BORDER)) == text


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

    @pytest.mark.parametrize("count", ["four", "twenty-three"])
    def test_what_it_counts_otherwise_may_not(self, count: str) -> None:
        (reason,) = reasons(f"In cork Hooke saw {count} tiny cells. [1]", drafted(1, 1, "Robert Hooke saw three cells"))
        assert "its quote counts otherwise than" in reason


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


def test_numbers_of_thousands_of_digits_and_rows_of_brackets_raise_nothing() -> None:
    for said in (f"It weighs {'7' * 5000} [1].", "[1, 2]" * 500, "[1-9]" * 500, "hundred " * 500):
        assert cite(said, drafted(1, 1, BORDER)).fields


@pytest.mark.parametrize(
    ("text", "anew"),
    [("It fell [1]. It rose [2].", "It fell [7]. It rose [2]."), ("这很重要【1】。那［3］。", "这很重要[7]。那[9]。")],
)
def test_renumbered_in_every_form(text: str, anew: str) -> None:
    assert renumbered(text, {1: 7, 3: 9}) == anew


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
