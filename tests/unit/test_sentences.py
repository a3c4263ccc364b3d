import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.sentences import _END, _ends, ends_a_sentence, sentences


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
        ("这很重要[9]。这也是。", ["这很重要[9]。", "这也是。"]),
        ("細胞は小さい．幅は3．5 mである．終わり", ["細胞は小さい．", "幅は3．5 mである．", "終わり"]),
        ("Τι είναι; Είναι μικρό.", ["Τι είναι;", "Είναι μικρό."]),
        ("Ի՞նչ է սա։ Սա լավ է։", ["Ի՞նչ է սա։", "Սա լավ է։"]),
        ("ይህ ጥሩ ነው። ያ መጥፎ ነው።", ["ይህ ጥሩ ነው።", "ያ መጥፎ ነው።"]),
        ("นี่คือข้อความ [1] และต่อไป [2] จบ", ["นี่คือข้อความ [1]", "และต่อไป [2]", "จบ"]),
        ("Am 14. Juli fiel sie. Dann kam 1914. Und so.", ["Am 14. Juli fiel sie.", "Dann kam 1914.", "Und so."]),
        ("It fell.[^1] It rose.【2】 It ended. [1–3] Now", ["It fell.[^1]", "It rose.【2】", "It ended. [1–3]", "Now"]),
        ("| a | b |\n|---|---|\n| c | d |", ["| a | b |", "|---|---|", "| c | d |"]),
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


@pytest.mark.parametrize(
    "text",
    [
        "End.",
        "End?",
        'He said "End!"',
        "End. [1]",
        "End [1].",
        "**End.**",
        "结束。",
        "إنتهى؟",
        "है।",
        "ነው።",
        "է։",
        "។",
        "သည်။",
        "Τέλος;",
        "Τέλος\u037e",
        "終わり．",
        "End…",
        "End.)",
    ],
)
def test_a_text_ends_a_sentence(text: str) -> None:
    assert ends_a_sentence(f"It may {text}")


@pytest.mark.parametrize("text", ["and the cell then begins to", "one, two,", "a; b", "see:", "the end;"])
def test_a_text_breaks_off(text: str) -> None:
    assert not ends_a_sentence(text)


@given(st.text(alphabet='ab Z1.!?…;:,[]()"”’。！．؟।։՞።ន។ά;ก \n\t3*_', max_size=60))
def test_no_end_of_a_sentence_is_passed_over(text: str) -> None:
    assert [found.span() for found in _ends(text, 0, len(text))] == [found.span() for found in _END.finditer(text)]
