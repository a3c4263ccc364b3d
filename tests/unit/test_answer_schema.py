from typing import Any

import pytest

from src.domain.lesson import LessonText
from src.domain.outline import Outline
from src.services.model.answer_schema import answer_schema


def nodes(schema: Any) -> list[dict[str, Any]]:
    found = []
    if isinstance(schema, dict):
        found.append(schema)
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return found + [node for child in children for node in nodes(child)]


@pytest.mark.parametrize("model", [Outline, LessonText])
def test_strict_mode_takes_the_schema(model: type[Outline] | type[LessonText]) -> None:
    schema = answer_schema(model)
    objects = [node for node in nodes(schema) if node.get("type") == "object"]
    assert len(objects) > 1
    for node in objects:
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
    forbidden = {"oneOf", "allOf", "minLength", "maxLength", "minItems", "maxItems", "minimum", "default", "title"}
    keys = {key for node in nodes(schema) if "properties" not in node for key in node}
    assert not keys & (forbidden - {"title"})


def test_a_nullable_field_is_a_choice_of_two_types() -> None:
    choices = answer_schema(LessonText)["$defs"]["Check"]["properties"]["choices"]
    assert [kind["type"] for kind in choices["anyOf"]] == ["array", "null"]
