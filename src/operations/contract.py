"""The message contract in `docs/contract/`: JSON Schema and AsyncAPI, made from the pydantic models."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from src.config import SLICES, RabbitMQSettings
from src.domain.request import MAX_BODY_BYTES, CourseRequest
from src.domain.result import ProgressMessage, StatusMessage
from src.services.part import is_installed, load_slice

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "contract"


def render_contract() -> dict[str, str]:
    """Returns the text of each file by its name."""
    request = _json_schema(CourseRequest.model_json_schema(), "request", "A request for a course")
    # Any field that may be absent may also be null, which means the same.
    for name, field in request["properties"].items():
        if name not in request["required"] and "anyOf" not in field:
            request["properties"][name] = {
                "anyOf": [_without(field, "default"), {"type": "null"}],
                **_only(field, "default"),
            }
    schemas = {
        "request": request,
        "status": _json_schema(_serialized(StatusMessage), "status", "A status message about a request or its course"),
        "progress": _json_schema(_serialized(ProgressMessage), "progress", "A progress event; best effort"),
    }
    for name in filter(is_installed, SLICES):
        for message, model in load_slice(name).messages.items():
            schema_name = f"{name}-{message}"
            schemas[schema_name] = _json_schema(model.model_json_schema(), schema_name, f"{message}, of {name}")
    files = {f"{name}.schema.json": _text(schema) for name, schema in schemas.items()}
    return {**files, "asyncapi.json": _text(_asyncapi())}


def write_contract() -> None:
    """Writes the files of the contract."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in render_contract().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def differing_files() -> list[str]:
    """Returns the names of the files that differ from what the models say."""
    absent = tuple(f"{name}-" for name in SLICES if not is_installed(name))
    files = (path for path in FOLDER.glob("*.json") if not path.name.startswith(absent))
    current = {path.name: path.read_text(encoding="utf-8") for path in files}
    wanted = render_contract()
    return sorted(name for name in wanted.keys() | current.keys() if wanted.get(name) != current.get(name))


def _serialized(model: Any) -> dict[str, Any]:
    return TypeAdapter(model).json_schema(mode="serialization")


def _json_schema(schema: dict[str, Any], name: str, title: str) -> dict[str, Any]:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.schema.json", "title": title}
    return {**head, **_without(schema, "title")}


def _asyncapi() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Course generator",
            "version": "1.0.0",
            "description": "Requests for courses in, status messages out. Seen from the worker.",
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": {
            "receiveRequest": _operation("receive", "requests", "Take a request"),
            "sendStatus": _operation("send", "status", "Say what became of it; persistent, confirmed, mandatory"),
            "sendProgress": _operation("send", "progress", "Say how far a course is"),
            "sendRejected": _operation("send", "rejected", "Put a request aside that can't become a course"),
        },
        "components": {"messages": _messages()},
    }


def _channels() -> dict[str, Any]:
    defaults = {name: field.default for name, field in RabbitMQSettings.model_fields.items()}
    durable = {"durable": True, "exclusive": False, "autoDelete": False}
    exchange = {"name": defaults["exchange"], "type": "topic", "durable": True}

    def channel(route: str, queue: str | None, message: str, description: str) -> dict[str, Any]:
        binding: dict[str, Any] = {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}
        return {
            "address": defaults[route],
            "description": description + (f" Bound to the queue `{defaults[queue]}`." if queue else ""),
            "messages": _reference(message),
            "bindings": {"amqp": binding},
        }

    requests = f"Requests for courses, at most {MAX_BODY_BYTES} bytes each."
    dead_queue = {"name": defaults["queue_dead"], **durable}
    return {
        "requests": channel("route_generate", "queue_generation", "request", requests),
        "status": channel("route_status", "queue_status", "status", "What became of a request."),
        "progress": channel("route_progress", None, "progress", "Steps of a course, best effort."),
        "rejected": {
            "address": defaults["queue_dead"],
            "description": "Bodies that can't become a course, as they came, with the headers"
            " `x-error-code` and `x-error-reason`.",
            "messages": _reference("rejected"),
            "bindings": {"amqp": {"is": "queue", "queue": dead_queue, "bindingVersion": "0.3.0"}},
        },
    }


def _reference(message: str) -> dict[str, Any]:
    return {message: {"$ref": f"#/components/messages/{message}"}}


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _messages() -> dict[str, Any]:
    return {
        "request": {
            "payload": {"$ref": "request.schema.json"},
            "bindings": {"amqp": {"messageType": "course.request", "bindingVersion": "0.3.0"}},
        },
        "status": {
            "payload": {"$ref": "status.schema.json"},
            "correlationId": {"location": "$message.header#/correlation_id", "description": "The request_id"},
        },
        "progress": {"payload": {"$ref": "progress.schema.json"}},
        "rejected": {
            "contentType": "application/octet-stream",
            "headers": {
                "type": "object",
                "properties": {"x-error-code": {"type": "string"}, "x-error-reason": {"type": "string"}},
            },
        },
    }


def _without(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in names}


def _only(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key in names}


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
