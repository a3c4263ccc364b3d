"""The JSON Schema of a pydantic model, in the subset that strict structured output accepts."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

# The keywords of strict mode.
_KEPT = frozenset({"type", "properties", "items", "anyOf", "enum", "const", "$ref", "description"})
# Those that say how many and how much, which some servers refuse. How long a text may be is left out in any case: a
# server that constrains by grammar would make a rule for each length.
_LIMITING = frozenset({"minItems", "maxItems", "minimum", "maximum"})

Limits = Mapping[str, Mapping[str, Any]]
"""Keywords for single properties, by `<model>.<property>`, such as `{"Outline.lessons": {"minItems": 4}}`."""


def answer_schema(model: type[BaseModel], limits: Limits | None = None) -> dict[str, Any]:
    """Returns the schema of `model`, in which every field is required and no other is allowed.

    Without `limits` nothing in it says how many there may be of anything; with them, these and the model's own do.
    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    schema = _schema_of(model)
    named = {model.__name__: schema, **schema.get("$defs", {})}
    kept = _KEPT if limits is None else _KEPT | _LIMITING
    strict = {name: _strict(definition, kept) for name, definition in named.items()}
    for place, keywords in (limits or {}).items():
        definition, _, name = place.partition(".")
        strict[definition]["properties"][name] |= keywords
    whole = strict.pop(model.__name__)
    return {**whole, "$defs": strict} if strict else whole


@cache
def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _strict(node: Mapping[str, Any], kept: frozenset[str]) -> dict[str, Any]:
    strict = {key: value for key, value in node.items() if key in kept}
    if "items" in strict:
        strict["items"] = _strict(strict["items"], kept)
    if "anyOf" in strict:
        strict["anyOf"] = [_strict(choice, kept) for choice in strict["anyOf"]]
    if "properties" in strict:
        strict["properties"] = {name: _strict(value, kept) for name, value in strict["properties"].items()}
        strict["required"] = list(strict["properties"])
        strict["additionalProperties"] = False
    return strict
