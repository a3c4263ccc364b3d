"""What a body that is no request seems to be, for the line that tells its sender what to send instead.

Only bodies that were refused come here: nothing is accepted or refused by what these functions say.
"""

import base64
import binascii
import json
import re
from collections.abc import Collection
from typing import Any

_SEND_JSON = "send a JSON object in UTF-8"
_UNCOMPRESSED = f"{_SEND_JSON}, uncompressed"
# What bodies begin with that are no text.
_MAGIC = (
    (b"\x1f\x8b", f"is compressed by gzip: {_UNCOMPRESSED}"),
    (b"\x28\xb5\x2f\xfd", f"is compressed by zstd: {_UNCOMPRESSED}"),
    (b"\x04\x22\x4d\x18", f"is compressed by lz4: {_UNCOMPRESSED}"),
    (b"BZh", f"is compressed by bzip2: {_UNCOMPRESSED}"),
    (b"x\x01", f"is compressed by zlib: {_UNCOMPRESSED}"),
    (b"x\x9c", f"is compressed by zlib: {_UNCOMPRESSED}"),
    (b"x\xda", f"is compressed by zlib: {_UNCOMPRESSED}"),
    (b"PK\x03\x04", f"is a ZIP archive: {_UNCOMPRESSED}"),
    (b"\xac\xed\x00\x05", f"is a serialized Java object: {_SEND_JSON} (in Spring: Jackson2JsonMessageConverter)"),
    (b"\x00\x01\x00\x00\x00\xff\xff\xff\xff", f"is of .NET's BinaryFormatter: {_SEND_JSON}"),
    (b"\x80\x02", f"is of Python's pickle: {_SEND_JSON}"),
    (b"\x80\x03", f"is of Python's pickle: {_SEND_JSON}"),
    (b"\x80\x04", f"is of Python's pickle: {_SEND_JSON}"),
    (b"\x80\x05", f"is of Python's pickle: {_SEND_JSON}"),
)
# The longer ones first, as JSON in UTF-32 begins as JSON in UTF-16 does.
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
# An object that has all of these names is a message of that framework: those with the most names first.
_ENVELOPES = (
    ("Dramatiq", {"actor_name", "queue_name", "args", "kwargs"}),
    ("Taskiq", {"task_name", "labels", "args", "kwargs"}),
    ("Celery", {"task", "args", "kwargs"}),
    ("CloudEvents", {"specversion", "source", "type"}),
    ("Laravel", {"displayName", "job", "data"}),
    ("Sidekiq", {"class", "args", "jid"}),
    ("Amazon SNS", {"Type", "TopicArn", "Message"}),
    ("MassTransit", {"messageType", "message"}),
    ("JSON-RPC", {"jsonrpc", "method"}),
    ("NestJS", {"pattern", "data"}),
    ("Google Pub/Sub", {"message", "subscription"}),
    ("Kafka Connect", {"schema", "payload"}),
    ("Spring Integration", {"headers", "payload"}),
    ("Nameko", {"args", "kwargs"}),
    ("Spring", {"__TypeId__"}),
    ("NServiceBus", {"NServiceBus.EnclosedMessageTypes"}),
    ("Jackson (with its type in @class)", {"@class"}),
    (".NET (with its type in $type)", {"$type"}),
)
# What a header's name begins with, in messages whose body alone wouldn't tell.
_HEADERS = (
    ("__TypeId__", "Spring"),
    ("NServiceBus.", "NServiceBus"),
    ("MT-", "MassTransit"),
    ("rbs2-", "Rebus"),
    ("cloudEvents", "CloudEvents"),
    ("X-Message-Stamp-", "Symfony Messenger"),
    ("root_id", "Celery"),
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]{8,}={0,2}\s*")
_FORM = re.compile(r"[\w.%+-]+=[^&\s{}]*(?:&[\w.%+-]+=[^&\s{}]*)*")
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def seeming(body: bytes, header_names: Collection[str], fields: Collection[str]) -> str | None:
    """Returns what a refused body seems to be and what to send instead, in one line; None if that can't be told.

    `fields` are the names that a request has. The line goes on from "body", and repeats nothing of the body.
    """
    if not body.strip():
        return f"is empty: {_SEND_JSON}"
    if (binary := _binary(body)) is not None:
        return binary
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _not_utf_8(body)
    return _text(text, header_names, fields)


def _binary(body: bytes) -> str | None:
    for magic, told in _MAGIC:
        if body.startswith(magic):
            return told
    for encoding in _WIDE:
        if body[:64].decode(encoding, "replace").lstrip("\ufeff\r\n\t ")[:1] in ("{", "[", '"'):
            return f"is in {encoding[:6].upper()}: {_SEND_JSON}"
    if b"\x81" <= body[:1] <= b"\x8f" and b"\xa1" <= body[1:2] <= b"\xd9":
        return f"is MessagePack: {_SEND_JSON}"
    return None


def _not_utf_8(body: bytes) -> str | None:
    if isinstance(_json(body.decode("latin-1")), dict):
        return "is not in UTF-8, but perhaps in Latin-1 or Windows-1252: encode the JSON in UTF-8"
    return None


def _text(text: str, header_names: Collection[str], fields: Collection[str]) -> str | None:
    if text.startswith("\ufeff"):
        return "begins with a byte order mark (BOM): send UTF-8 without it (in .NET: new UTF8Encoding(false))"
    value = _json(text)
    if value is not None:
        return _value(value, header_names, fields)
    stripped = text.strip()
    if stripped.startswith("<"):
        return f"is XML or HTML: {_SEND_JSON}"
    if stripped.startswith(("{'", "[{'")):
        return "is a literal of Python or JavaScript: write it with json.dumps or JSON.stringify"
    if _is_base64(text):
        return "is base64 of JSON: send the JSON itself"
    if _FORM.fullmatch(stripped) and any(f"{name}=" in stripped for name in fields):
        return f"is a form (name=value&…): {_SEND_JSON}"
    if _is_several(stripped):
        return "has more than one JSON object: send each as a message of its own"
    return None


def _value(value: Any, header_names: Collection[str], fields: Collection[str]) -> str | None:
    if isinstance(value, str):
        if isinstance(_json(value), dict):
            return "is JSON in a JSON string, so it was encoded twice: encode it once"
        return "is base64 of JSON, in a JSON string: send the JSON itself" if _is_base64(value) else None
    if isinstance(value, list):
        return _list(value)
    if not isinstance(value, dict):
        return None
    if otherwise := _written_otherwise(value, fields):
        return f"has names that are written otherwise in the contract: {otherwise}"
    if value.keys() & {"user_id", "topic"}:
        return None
    for framework, names in _ENVELOPES:
        if names <= value.keys():
            return _wrapped(framework)
    for beginning, framework in _HEADERS:
        if any(name.startswith(beginning) for name in header_names):
            return f"is by {framework}, as its headers say: have it write the names and types of the contract"
    return None


def _list(value: list[Any]) -> str | None:
    match value:
        case [list(), dict(), {"callbacks": _, "errbacks": _}]:
            return _wrapped("Celery")
        case [str(), dict()]:
            return _wrapped("Jackson (with its type before it)")
        case [dict()]:
            return "is an object in a list: send the object alone"
        case [dict(), *_]:
            return "is a list of objects: send each as a message of its own"
    return None


def _wrapped(framework: str) -> str:
    return f"is a message of {framework}, which has the request inside: publish the request's own JSON object"


def _written_otherwise(value: dict[str, Any], fields: Collection[str]) -> str:
    found = []
    for name in value:
        own = _WORD_BEGINS.sub("_", name).replace("-", "_").lower()
        if own in fields and own not in value:
            found.append(f"{name} is {own}")
    return ", ".join(found)


def _is_base64(text: str) -> bool:
    if not _BASE64.fullmatch(text):
        return False
    compact = "".join(text.split()).rstrip("=")
    try:
        inner = base64.b64decode(
            compact + "=" * (-len(compact) % 4), altchars=b"-_" if {"-", "_"} & set(text) else None
        )
    except (binascii.Error, ValueError):
        return False
    return inner.lstrip()[:1] in (b"{", b"[") or inner.startswith(b"\x1f\x8b")


def _is_several(text: str) -> bool:
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and text[end:].lstrip(",\r\n\t \x1e").startswith("{")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
