"""The reader of answers: what stands around an object and how it is spelt is mended, and not a word is changed."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from src.services.model.object_in_text import FoundObject, NoObject, as_it_stands, object_in

FIELDS = {"title", "lessons"}
GOOD = {"title": "It's a cell: { x } “y” [z] — ß", "lessons": [{"n": 1, "t": None}, {"n": 2, "t": "a, b: c\nd\te"}]}
TEXT = json.dumps(GOOD, ensure_ascii=False)


def found(text: str) -> FoundObject:
    result = object_in(text, FIELDS)
    assert isinstance(result, FoundObject), result
    return result


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        (TEXT, ()),
        (f"\n {TEXT} \n", ()),
        (f"\ufeff{TEXT}", ("BOM",)),
        (f"<think>Let {{me}} plan.</think>\n{TEXT}", ("thoughts",)),
        (f'Let "me" plan {{"title": 1}}.</think>{TEXT}', ("thoughts",)),
        (f"[THINK]Hm[/THINK]{TEXT}", ("thoughts",)),
        (f"<|channel|>analysis<|message|>{{<|end|><|start|>assistant<|channel|>final<|message|>{TEXT}", ("thoughts",)),
        (f"<|channel|>final <|constrain|>json<|message|>{TEXT}<|return|>", ("thoughts",)),
        (f"Here is it:\n{TEXT}\nHope {{this}} helps!", ("text around it",)),
        (f"Here is a draft: {{}} and here it is: {TEXT}", ("text around it",)),
        (f"A {{ that nothing closes, and {TEXT}", ("text around it",)),
        (f"```json\n{TEXT}\n```", ("fence",)),
        (f"Here:\n~~~\n{json.dumps(GOOD, indent=2)}\n~~~\nBye", ("fence",)),
        (f"```JSON\n{TEXT}", ("fence",)),
        (f"[{TEXT}]", ("wrapper",)),
        (f'{{"lesson": {TEXT}}}', ("wrapper",)),
        (f'{{"name": "answer", "arguments": {TEXT}}}', ("wrapper",)),
        (json.dumps(TEXT), ("wrapper",)),
        (json.dumps({"answer": TEXT}), ("wrapper",)),
        (TEXT.replace("\\n", "\n").replace("\\t", "\t"), ("line breaks",)),
        (f"{TEXT[:-1]},}}", ("syntax",)),
        (TEXT.replace("}]", "},]"), ("syntax",)),
        (repr(GOOD), ("syntax",)),
        (TEXT[:-1], ("syntax",)),
        (TEXT.replace(', "lessons"', ' "lessons"'), ("syntax",)),
        (f"<think>Hm</think>Sure:\n```json\n{TEXT[:-1]},}}\n```", ("thoughts", "fence", "syntax")),
    ],
)
def test_the_object_is_found_and_what_was_mended_is_told(text: str, mended: tuple[str, ...]) -> None:
    assert found(text) == FoundObject(GOOD, mended)


def test_of_two_fences_the_last_holds_the_answer() -> None:
    draft = json.dumps({"title": "draft", "lessons": []})
    assert found(f"```json\n{draft}\n```\nWait, better:\n```json\n{TEXT}\n```").value == GOOD


@pytest.mark.parametrize("sign", ["~", "`", "~~~\n", "```\n", "{", "[", '"', "<think>", "<|message|>", "\\", "“"])
def test_long_rows_of_one_sign_are_read_at_once(sign: str) -> None:
    """Where it takes time that grows with the square, this test takes minutes."""
    assert isinstance(object_in(sign * (490_000 // len(sign)), FIELDS), NoObject)


def test_typographic_quotation_marks_are_taken_for_those_of_json() -> None:
    assert found("{“title”: “A “big” cell, and more”, “lessons”: []}").value == {
        "title": "A “big” cell, and more",
        "lessons": [],
    }


def test_a_tag_of_thoughts_inside_the_object_is_text() -> None:
    value = {"title": "Say </think> and go on", "lessons": []}
    assert found(json.dumps(value)) == FoundObject(value)
    assert found(f"Sure: {json.dumps(value)}").value == value


@pytest.mark.parametrize("end", range(1, len(TEXT) - 1))
def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(end: int) -> None:
    result = object_in(TEXT[:end], FIELDS)
    assert isinstance(result, NoObject) or result.value.keys() < FIELDS or end == len(TEXT) - 1


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "He said "no", "maybe" and "lessons": "x", left", "lessons": []}',
        "{'title': 'it''s', 'lessons': []}",
        '{"title": "a" // a comment\n, "lessons": []}',
    ],
)
def test_where_words_would_be_lost_or_moved_nothing_is_guessed(text: str) -> None:
    result = object_in(text, FIELDS)
    if isinstance(result, FoundObject):
        assert letters("".join(strings(result.value))) == letters(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("I can't do that.", "not JSON: Expecting value at line 1, column 1"),
        ('{"title": "a", "lessons": [', "not JSON"),
        ("x" * 500_001, "500001 characters"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_the_model_is_told_what_is_wrong(text: str, fault: str) -> None:
    result = object_in(text, FIELDS)
    assert isinstance(result, NoObject)
    assert fault in result.fault


def test_an_object_that_lacks_fields_is_returned_so_that_they_can_be_named() -> None:
    assert found('{"title": "a"}').value == {"title": "a"}
    assert found('{"lesson": {"title": "a"}}').value == {"title": "a"}


def test_only_an_object_with_every_field_needs_no_reader() -> None:
    assert as_it_stands(TEXT, FIELDS) == FoundObject(GOOD)
    for other in (f"[{TEXT}]", '{"title": "a"}', f"{TEXT}.", "", "[" * 100_000):
        assert as_it_stands(other, FIELDS) is None


# Python writes what has no glyph as `\U00012544`, whose letters no text had.
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co"]), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.fixed_dictionaries({"title": TEXTS, "lessons": st.lists(VALUES, max_size=3)})
CHANGES: tuple[Callable[[str], str], ...] = (
    lambda text: f"<think>Let me think.</think>{text}",
    lambda text: f"Here is it: {text} Bye!",
    lambda text: f"```json\n{text}\n```",
    lambda text: f"[{text}]",
    lambda text: json.dumps(text),
    lambda text: f"{text[:-1]},}}",
    lambda text: text[:-1],
    lambda text: repr(json.loads(text)),
    lambda text: text.replace('"', "“", 1).replace('"', "”", 1),
    lambda text: text.replace(", ", " "),
    lambda text: text.replace('\\"', '"'),
    lambda text: re.sub(r'"(\w+)":', r"\1:", text),
    lambda text: text[: len(text) // 2],
)


@given(OBJECTS, st.lists(st.sampled_from(CHANGES), max_size=2), st.booleans())
@example({"title": "a", "lessons": ["b \\ c", "\\u0041"]}, [CHANGES[5]], True)
def test_every_string_of_the_result_stood_in_the_answer(
    value: dict[str, Any], changes: list[Callable[[str], str]], plain: bool
) -> None:
    text = json.dumps(value, ensure_ascii=not plain)
    for change in changes:
        try:
            text = change(text)
        except ValueError:  # what was changed before is no JSON any more
            return
    result = object_in(text, FIELDS)
    if not isinstance(result, FoundObject):
        return
    said = letters("".join(strings(value)))
    for part in strings(result.value):
        assert letters(part) in said or letters(part) in letters(text)


@given(OBJECTS, st.sampled_from(CHANGES[:4]))
def test_what_stands_around_an_object_changes_nothing_in_it(
    value: dict[str, Any], change: Callable[[str], str]
) -> None:
    assert found(change(json.dumps(value))).value == value


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [part for key, inner in value.items() for part in (key, *strings(inner))]
    if isinstance(value, list):
        return [part for inner in value for part in strings(inner)]
    return [value] if isinstance(value, str) else []


def letters(text: str) -> str:
    return "".join(filter(str.isalpha, text)).casefold()
