import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from src.domain.redaction import Redactor
from src.operations.logs import configure_logging
from src.operations.metrics import Metrics


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        "\x1b[31mred\x1b[0m",
        "%s %d",
        "{0} {name}",
        '"quote\\',
        "\u2028\u2029\x85",
        "\x00",
        "\u202e\x9b31m",
    ],
)
def test_whatever_a_topic_holds_it_is_one_line_of_json(capsys: pytest.CaptureFixture[str], text: str) -> None:
    configure_logging(Redactor(), Metrics(), log_format="json")
    structlog.get_logger("test").info("a constant text", action="test", topic=text)
    logging.getLogger("other.library").warning(text)
    written = capsys.readouterr().err
    assert not set(written) & set("\x00\x1b\x85\x9b\u2028\u2029\u202e")
    ours, theirs = [json.loads(line) for line in written.splitlines()]
    assert (ours["action"], ours["topic"]) == ("test", text)
    assert theirs["event"] == text


def test_nothing_that_somebody_wrote_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b]0;owned\x07\u202egpj\r\n2026-01-01 [info] fake"
    configure_logging(Redactor(), Metrics(), log_format="console")
    log = structlog.get_logger("test")
    log.info("a text", action="test", topic=hostile, nested=[hostile])
    logging.getLogger("library").error(hostile)
    try:
        raise ValueError(hostile)
    except ValueError:
        log.exception("it broke")
    written = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().err)  # the renderer's own colours
    assert not set(written) & set("\x1b\x07\u202e\r")
    assert [line for line in written.split("\n") if line.startswith("2026-01-01 [info] fake")] == []


def test_secrets_are_hidden_wherever_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Redactor(["sk-secret-key-1"]), Metrics(), log_format="json")
    log = structlog.get_logger("test")
    log.info("text", field="sk-secret-key-1", nested={"a": ["sk-secret-key-1"]})
    logging.getLogger("library").error("failed with sk-secret-key-1")
    try:
        raise ValueError("postgresql://me:hunter2@db/x")
    except ValueError:
        log.exception("it broke")
    text = capsys.readouterr().err
    assert "sk-secret-key-1" not in text
    assert "hunter2" not in text
    assert text.count("[hidden]") >= 4


def test_course_and_request_are_on_every_line_of_their_work(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Redactor(), Metrics(), log_format="json")
    structlog.contextvars.bind_contextvars(course_id="c-1", request_id="r-1")
    structlog.get_logger("test").info("a text", action="x")
    (line,) = lines(capsys)
    assert (line["course_id"], line["request_id"]) == ("c-1", "r-1")
    assert list(line)[:4] == ["timestamp", "level", "action", "event"]
