"""`python app.py model check` against servers of the zoo: what it says, and what it is worth."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from src.operations.known_schema import ROOT
from tests.zoo import BEHAVIOURS, Behaviour, Outcome, Zoo

WELL = Behaviour("is well", "", Outcome("READY"))
BY_NAME = {behaviour.name: behaviour for behaviour in (*BEHAVIOURS, WELL)}


def check(behaviour: Behaviour, **settings: str) -> subprocess.CompletedProcess[str]:
    with Zoo(behaviour) as zoo:
        environment = {**os.environ, "OPENAI_BASE_URL": zoo.base_url, "OPENAI_API_KEY": "sk-ours", **settings}
        command = [sys.executable, "app.py", "model", "check"]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        (
            "is well",
            0,
            [
                "JSON held to a schema with limits; a system message; max_completion_tokens; whole answers",
                "is none of the models that it names: stand-in",
                "A course of 10 lessons takes some",
                "Courses can be written with it.",
            ],
        ),
        ("knows no json_schema", 0, [" is sent: JSON objects", "\n  OPENAI_JSON_MODE=object\n"]),
        ("puts prose and a fence around the answer", 0, ["What had to be mended in its answers: fence"]),
        ("has a context of 4096 tokens", 0, ["passages left out: ", "\n  OPENAI_CONTEXT_TOKENS=4096\n"]),
        ("knows another key, and says so with 400 and a list", 1, ["check OPENAI_API_KEY", "API key not valid."]),
        ("is at another path", 1, ["check OPENAI_BASE_URL", "404 page not found"]),
        (
            "cuts every answer at 512 tokens",
            1,
            ["be written with it (model_output_invalid)", "after 512 tokens"],
        ),
        ("refuses for a reason that nobody knows", 1, ["for a reason that isn't known", "answered 418"]),
    ],
)
def test_it_says_what_the_server_can_and_what_to_set(name: str, code: int, says: list[str]) -> None:
    done = check(BY_NAME[name])
    assert done.returncode == code, done.stdout + done.stderr
    for words in says:
        assert words in done.stdout
    assert done.stderr == ""
    assert "sk-ours" not in done.stdout


def test_the_cost_of_a_course_is_told_if_there_are_prices() -> None:
    assert " US dollars" in check(WELL, OPENAI_PRICE_INPUT="1", OPENAI_PRICE_OUTPUT="10").stdout


def test_without_a_model_it_says_what_to_set() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    command = [sys.executable, "app.py", "model", "check"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "set OPENAI_API_KEY, or OPENAI_BASE_URL" in done.stderr


def test_nobody_there_is_told_at_once_with_the_address_and_is_no_slow_model() -> None:
    nobody = "http://127.0.0.1:9/v1"
    settings = {"OPENAI_BASE_URL": nobody, "OPENAI_TIMEOUT": "3", "OPENAI_DEADLINE": "3"}
    command = [sys.executable, "app.py", "model", "check"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"Asked again: no answer from the model's server, check OPENAI_BASE_URL: {nobody}" in done.stdout
    assert "No course can be written with it" in done.stdout
    assert "OPENAI_STREAM" not in done.stdout


def test_what_a_server_said_until_the_deadline_is_told() -> None:
    busy = BY_NAME["is busy behind a gateway once, with status 200"]
    done = check(replace(busy, once=False), OPENAI_TIMEOUT="3", OPENAI_DEADLINE="3")
    assert "did not answer within 3 s (OPENAI_DEADLINE); the last try: the model is busy" in done.stdout
