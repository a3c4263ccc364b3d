"""The JSON Schema of a pydantic model, in the subset that strict structured output accepts."""

from functools import cache
from typing import Any

from pydantic import BaseModel

# The keywords of strict mode. Limits of length and number are left out: many servers reject them, and pydantic checks
# them anyway.
_KEPT = frozenset({"type", "properties", "items", "anyOf", "enum", "const", "$ref", "description"})


@cache
def answer_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Returns the schema of `model`, in which every field is required, no other is allowed, and no limit is stated.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    schema = model.model_json_schema()
    strict = _strict(schema)
    if "$defs" in schema:
        strict["$defs"] = {name: _strict(definition) for name, definition in schema["$defs"].items()}
    return strict


def _strict(node: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in node.items() if key in _KEPT}
    if "items" in kept:
        kept["items"] = _strict(kept["items"])
    if "anyOf" in kept:
        kept["anyOf"] = [_strict(choice) for choice in kept["anyOf"]]
    if "properties" in kept:
        kept["properties"] = {name: _strict(value) for name, value in kept["properties"].items()}
        kept["required"] = list(kept["properties"])
        kept["additionalProperties"] = False
    return kept
