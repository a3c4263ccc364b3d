"""Logs: one JSON object for each line, or readable lines on a terminal. Texts are constant; data goes into fields."""

import json
import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from src.domain.redaction import Redactor
from src.domain.text import shown, steering_escaped
from src.operations.metrics import Metrics

# These libraries log much of what the worker reports itself; aiohttp's server a traceback for all that isn't HTTP.
_QUIET = {
    "aiohttp.server": logging.CRITICAL,
    "alembic": logging.WARNING,
    "httpx2": logging.WARNING,
    "openai": logging.WARNING,
    "pika": logging.CRITICAL,
}


def configure_logging(redact: Redactor, metrics: Metrics, level: str = "INFO", log_format: str = "auto") -> None:
    """Sends the logs of this program and of its libraries to stderr, without secrets. See LOG_LEVEL and LOG_FORMAT."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            metrics.count,  # before the filter, so that lines below the level are counted too
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    renderers: list[Processor] = (
        [structlog.processors.JSONRenderer(serializer=_one_line)]
        if as_json
        else [_printed, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redacting(redact),
                _in_reading_order,
                *renderers,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name, own_level in _QUIET.items():
        logging.getLogger(name).setLevel(own_level)


def _one_line(event: EventDict, **_options: Any) -> str:
    # JSON may hold these as they are, but terminals obey some, and programs that read logs by lines split at others.
    return steering_escaped(json.dumps(event, ensure_ascii=False, default=repr))


def _printed(_logger: Any, _method: str, event: EventDict) -> EventDict:
    def fit(key: str, value: str) -> str:
        if key not in ("exception", "stack"):
            return shown(value)
        # Indented, no line looks like one of the log.
        return "\n".join(f"  {shown(line)}" for line in value.split("\n"))

    # What else isn't a string is printed by its repr(), which escapes.
    return {key: fit(key, value) if isinstance(value, str) else value for key, value in event.items()}


def _in_reading_order(_logger: Any, _method: str, event: EventDict) -> EventDict:
    first = [key for key in ("timestamp", "level", "action", "event") if key in event]
    return {key: event[key] for key in [*first, *event]}


def _redacting(redact: Redactor) -> Processor:
    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return redact(value)
        if isinstance(value, list | tuple):
            return [clean(item) for item in value]
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        return value

    def process(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {key: clean(value) for key, value in event.items()}

    return process
