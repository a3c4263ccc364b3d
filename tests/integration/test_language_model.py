"""The model client against the stand-in over HTTP: what each misbehaviour of a server comes to (faults 24 to 29)."""

import asyncio
import email.utils
import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import openai
import pytest

from src.config import OpenAISettings
from src.domain.errors import (
    ModelAccessDenied,
    ModelOutputInvalid,
    ModelRefused,
    ModelUnavailable,
    Stopping,
)
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.domain.quality.repair_choice import RepairChoice, RepairMode
from src.domain.quality.review import Reviewed, review_outline
from src.domain.redaction import Redactor
from src.domain.request import CourseBrief
from src.services.model import server as model_server
from src.services.model.brake import ModelBrake
from src.services.model.budget import TokenBudget
from src.services.model.language_model import OpenAIModel
from src.services.model.prompts import outline_question
from src.services.model.question import Written
from src.services.model.server import ModelServer, RemoteCallsForbidden
from tests.stand_in import StandIn

BRIEF = CourseBrief(topic="Cells", num_lessons=3)
STEP = "Cells/outline"
PLAN = json.dumps(
    {
        "lesson_number": 1,
        "title": "The Cell",
        "description": "What a cell is.",
        "key_concepts": ["cell"],
        "learning_objectives": ["Describe a cell"],
    }
)


async def review(answer: Outline, _written: Written) -> Reviewed[Outline]:
    return review_outline(answer, BRIEF)


VAGUE = "Understand a cell"


def said(*objectives: str) -> dict[str, Any]:
    """The fields of a completion that answers with a whole outline, with these objectives in its first lessons."""
    named = [*objectives, *("Describe a cell",) * (3 - len(objectives))]
    lessons = [
        {**json.loads(PLAN), "lesson_number": number, "title": title, "learning_objectives": [objective]}
        for number, (title, objective) in enumerate(zip(("Cells", "Walls", "Roots"), named, strict=True), start=1)
    ]
    return completion(json.dumps({"title": "T", "description": "D", "lessons": lessons}))


def completion(content: str | None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}]}


ALL = RepairChoice("all")


class Caller:
    """Asks for an outline and keeps the calls on record."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self.calls: list[ModelCall] = []

    def ask(
        self, stopping: bool = False, budget: int | None = None, repairs: RepairChoice = ALL, **settings: Any
    ) -> Reviewed[Outline]:
        return asyncio.run(self._ask(stopping, budget, repairs, settings))

    async def _ask(
        self, stopping: bool, budget: int | None, repairs: RepairChoice, settings: dict[str, Any]
    ) -> Reviewed[Outline]:
        config = OpenAISettings(**{"base_url": self._stand_in.base_url, **settings})
        server = ModelServer(config)
        if stopping:
            server.stop()
        try:
            model = OpenAIModel(server, config, Redactor())
            question = replace(outline_question(BRIEF, [], review), repairs=repairs)
            return await model.ask(question, TokenBudget(budget), self.calls.append)
        finally:
            await server.close()

    @property
    def outcomes(self) -> list[str]:
        return [call.outcome for call in self.calls]


@pytest.fixture
def caller(stand_in: StandIn) -> Caller:
    return Caller(stand_in)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Tries again at once, and tells how long the call and everybody else would have waited, each time."""
    waits: list[float] = []

    def note(state: Any) -> float:
        if (wait := model_server_wait(state)) > 0:
            waits.append(wait)
        return 0.0

    model_server_wait: Callable[[Any], float] = model_server._wait
    monkeypatch.setattr(model_server, "_wait", note)
    monkeypatch.setattr(ModelBrake, "pause", lambda _, seconds: waits.append(seconds) if seconds else None)
    return waits


class TestAnswer:
    def test_it_is_validated_and_every_call_is_on_record(self, caller: Caller) -> None:
        answer = caller.ask(model="m-1", price_input=1.0, price_output=2.0)
        assert len(answer.value.lessons) == 3
        (call,) = caller.calls
        assert call.model == "stand-in"
        assert (call.purpose, call.lesson_number, call.outcome) == ("outline", None, "ok")
        assert call.input_tokens > 100 and call.output_tokens > 100
        assert call.cost == (call.input_tokens + 2 * call.output_tokens) / 1_000_000

    def test_without_prices_there_is_no_cost(self, caller: Caller) -> None:
        caller.ask()
        assert caller.calls[0].cost is None

    @pytest.mark.parametrize("json_mode", ["schema", "object", "prompt"])
    def test_servers_that_know_less_of_json_are_asked_in_other_ways(self, caller: Caller, json_mode: str) -> None:
        assert caller.ask(json_mode=json_mode).value.title == "Cells"

    def test_what_a_server_says_of_itself_is_made_fit_to_be_stored(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("overwrite", fields={"model": "m\0\ud800\n" + "x" * 1000, "usage": {"prompt_tokens": -1}})
        caller.ask()
        (call,) = caller.calls
        name = "m\ufffd\ufffd " + "x" * 195 + "…"
        assert (call.model, call.input_tokens, call.output_tokens) == (name, 0, 0)

    @pytest.mark.parametrize("usage", [None, "much", {"prompt_tokens": "many", "completion_tokens": 2**40}, {}])
    def test_counts_that_make_no_sense_count_as_none(self, caller: Caller, stand_in: StandIn, usage: object) -> None:
        stand_in.fault("overwrite", fields={"usage": usage})
        caller.ask()
        assert (caller.calls[0].input_tokens, caller.calls[0].output_tokens, caller.calls[0].outcome) == (0, 0, "ok")

    def test_counts_that_no_column_holds_together_are_cut(self, caller: Caller, stand_in: StandIn) -> None:
        most = 2**31 - 1
        stand_in.fault("overwrite", fields={"usage": {"prompt_tokens": most, "completion_tokens": most}})
        caller.ask()
        (call,) = caller.calls
        assert (call.input_tokens, call.output_tokens, call.budget_tokens) == (most, most, most)

    def test_the_outline_may_have_a_model_of_its_own(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("500")
        caller.ask(model="writer", model_outline="planner")
        assert caller.calls[0].model == "planner"  # of a call that failed, the model that was asked

    def test_after_a_stop_no_call_is_opened(self, caller: Caller, stand_in: StandIn) -> None:
        with pytest.raises(Stopping):
            caller.ask(stopping=True)
        assert stand_in.stats()["calls"] == 0


class TestRepair:
    @pytest.mark.parametrize("kind", ["wrong_schema", "not_json"])
    def test_a_wrong_answer_is_repaired_once(self, caller: Caller, stand_in: StandIn, kind: str) -> None:
        stand_in.fault(kind)
        assert len(caller.ask().value.lessons) == 3
        assert caller.outcomes[0].startswith("wrong: ")
        assert caller.outcomes[1] == "ok"

    @pytest.mark.parametrize("kind", ["wrong_schema", "not_json"])
    def test_and_no_more_than_once(self, caller: Caller, stand_in: StandIn, kind: str) -> None:
        stand_in.fault(kind, times=None)
        with pytest.raises(ModelOutputInvalid, match="also after repair"):
            caller.ask()
        assert stand_in.calls == {STEP: 2}

    @pytest.mark.parametrize(
        ("content", "fault"),
        [
            ('{"title": NaN, "description": "D", "lessons": []}', "title"),
            ('{"title": "T", "description": NaN, "lessons": []}', "description"),
            ('{"title": "T", "description": "' + "x" * 10_000_000 + '", "lessons": []}', "500000"),
            ('{"title": "a\\u0000b", "description": "D", "lessons": []}', "title"),
            ('{"title": "a\\ud800b", "description": "D", "lessons": []}', "title"),
            ('{"title": "T", "description": "D", "lessons": [' + PLAN + "]}", "exactly 3 are needed"),
            ('{"title": "T", "description": "D", "lessons": [' + PLAN + "," + PLAN + "]}", "lessons"),
            ('{"title": "a\ud800b", "description": "D", "lessons": []}', "title"),
            ("[" * 100_000, "answer"),
            ("[]", "answer"),
        ],
        ids=[
            "NaN",
            "NaN in prose",
            "10 MB",
            "NUL",
            "lone surrogate, escaped",
            "too few",
            "a number twice",
            "lone surrogate",
            "deep",
            "list",
        ],
    )
    def test_an_answer_that_no_row_should_hold_is_named_and_repaired(
        self, caller: Caller, stand_in: StandIn, content: str, fault: str
    ) -> None:
        """Fault 29."""
        message = {"role": "assistant", "content": content}
        stand_in.fault("overwrite", fields={"choices": [{"index": 0, "finish_reason": "stop", "message": message}]})
        assert len(caller.ask().value.lessons) == 3
        wrong, ok = caller.outcomes
        assert wrong.startswith("wrong: ") and fault in wrong
        assert ok == "ok"

    def test_what_the_review_finds_is_repaired_once_and_the_better_version_kept(
        self, caller: Caller, stand_in: StandIn
    ) -> None:
        stand_in.fault("overwrite", fields=said(VAGUE))
        answer = caller.ask()
        assert answer.findings == ()
        assert answer.value.lessons[0].learning_objectives[0] == "Describe Cells (1), first idea"
        assert caller.outcomes == ["ok, but vague_objective", "ok"]

    @pytest.mark.parametrize(
        ("repairs", "calls"),
        [(RepairChoice(), 1), (RepairChoice("hard"), 1), (RepairChoice("weighed", enough=2), 2), (ALL, 2)],
    )
    def test_what_does_not_weigh_enough_is_kept_on_record_and_not_paid_for_again(
        self, caller: Caller, stand_in: StandIn, repairs: RepairChoice, calls: int
    ) -> None:
        stand_in.fault("overwrite", fields=said(VAGUE, VAGUE))
        answer = caller.ask(repairs=repairs)
        assert [call.repair for call in caller.calls] == [False, True][:calls]
        assert [finding.gate for finding in answer.findings] == ["vague_objective"] * (2 if calls == 1 else 0)

    @pytest.mark.parametrize("mode", get_args(RepairMode))
    def test_a_hard_finding_is_always_repaired(self, caller: Caller, stand_in: StandIn, mode: RepairMode) -> None:
        stand_in.fault("overwrite", fields=said("As an AI, I can't describe a cell"))
        assert caller.ask(repairs=RepairChoice(mode)).findings == ()
        assert [call.repair for call in caller.calls] == [False, True]

    @pytest.mark.parametrize(("kind", "repairs"), [("wrong_schema", [False, True]), ("cut_off", [False, False])])
    def test_an_answer_of_another_shape_is_repaired_and_one_that_was_cut_off_is_asked_for_again(
        self, caller: Caller, stand_in: StandIn, kind: str, repairs: list[bool]
    ) -> None:
        stand_in.fault(kind)
        caller.ask()
        assert [call.repair for call in caller.calls] == repairs

    def test_a_repair_that_is_worse_is_not_kept(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("overwrite", fields=said(VAGUE))
        stand_in.fault("overwrite", fields=said(VAGUE, VAGUE))
        answer = caller.ask()
        assert [finding.gate for finding in answer.findings] == ["vague_objective"]
        assert caller.outcomes == ["ok, but vague_objective", "ok, but vague_objective"]

    @pytest.mark.parametrize("kind", ["cut_off", "refusal", "wrong_schema", "401", "no_choices"])
    def test_what_can_be_kept_is_kept_where_the_repair_fails(
        self, caller: Caller, stand_in: StandIn, kind: str
    ) -> None:
        stand_in.fault("overwrite", fields=said(VAGUE))
        stand_in.fault(kind)
        assert [finding.gate for finding in caller.ask().findings] == ["vague_objective"]
        assert len(caller.calls) == 2

    def test_nor_is_it_lost_where_the_repair_takes_too_long(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("overwrite", fields=said(VAGUE))
        stand_in.fault("hold")
        answer = caller.ask(timeout=5, deadline=5, lesson_deadline=5)
        assert [finding.gate for finding in answer.findings] == ["vague_objective"]

    def test_nor_where_the_budget_does_not_allow_one(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("overwrite", fields=said(VAGUE))
        answer = caller.ask(budget=2150, max_output_tokens=1000)
        assert [finding.gate for finding in answer.findings] == ["vague_objective"]
        assert len(caller.calls) == 1

    def test_a_hard_finding_that_stays_fails(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("overwrite", fields=said("As an AI, I can't describe a cell"), times=2)
        with pytest.raises(ModelOutputInvalid, match=r"also after repair: lessons\.1: a model's own voice"):
            caller.ask()
        assert [outcome.startswith("wrong: lessons.1: a model's own voice") for outcome in caller.outcomes] == [
            True
        ] * 2

    @pytest.mark.parametrize("ends", ["breaks", "hangs"])
    def test_a_call_whose_review_does_not_end_is_on_record_all_the_same(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch, ends: str
    ) -> None:
        async def unfinished(_answer: Outline, _written: Written) -> Reviewed[Outline]:
            if ends == "breaks":
                raise ZeroDivisionError
            await asyncio.Event().wait()
            raise AssertionError

        monkeypatch.setattr(sys.modules[__name__], "review", unfinished)
        with pytest.raises(ZeroDivisionError if ends == "breaks" else ModelUnavailable):
            caller.ask(timeout=4, deadline=4, lesson_deadline=4)
        assert caller.outcomes == ["answered, but not reviewed any more"]
        assert caller.calls[0].budget_tokens > 0

    def test_the_repair_names_what_was_found_and_where(self, caller: Caller, stand_in: StandIn, tmp_path: Path) -> None:
        stand_in.fault("overwrite", fields=said(VAGUE))
        caller.ask(record_to=tmp_path / "calls.jsonl")
        asked = json.loads((tmp_path / "calls.jsonl").read_text().splitlines()[-1])["request"]
        repair = asked["messages"][-1]["content"]
        assert f'lessons.1.learning_objectives.1: begin with what a learner can be seen to do: "{VAGUE}"' in repair

    @pytest.mark.parametrize("end", [None, 0, -4, -20])
    def test_an_answer_that_is_cut_off_is_asked_for_again_and_never_repaired(
        self, caller: Caller, stand_in: StandIn, end: int | None
    ) -> None:
        """Also where what came could be closed and would pass for a whole one: the list of lessons has no end."""
        if end is None:
            stand_in.fault("cut_off")
        else:
            lessons = ",".join(PLAN.replace('": 1', f'": {n}').replace("The Cell", f"Cell {n}") for n in (1, 2, 3))
            said = ('{"title": "T", "description": "D", "lessons": [' + lessons)[: end or None]
            message = {"role": "assistant", "content": said}
            choices = [{"index": 0, "finish_reason": "length", "message": message}]
            stand_in.fault("overwrite", fields={"choices": choices})
        assert caller.ask().value.title == "Cells"
        assert caller.outcomes == ["cut off", "ok"]
        first, second = caller.calls
        assert first.input_tokens in (0, second.input_tokens)  # the same question, not one about the first answer

    @pytest.mark.parametrize("rest", ["]}", "]}\n\nI hope this", "]"])
    def test_an_answer_is_whole_if_only_what_follows_it_is_cut_off(
        self, caller: Caller, stand_in: StandIn, rest: str
    ) -> None:
        lessons = ",".join(PLAN.replace('": 1', f'": {n}').replace("The Cell", f"Cell {n}") for n in (1, 2, 3))
        message = {"content": '{"title": "T", "description": "D", "lessons": [' + lessons + rest}
        stand_in.fault("overwrite", fields={"choices": [{"finish_reason": "length", "message": message}]})
        assert caller.ask().value.title == "T"
        assert len(caller.calls) == 1

    @pytest.mark.parametrize("content", [None, "", " \n\n"])
    def test_an_answer_that_is_empty_is_asked_for_again(
        self, caller: Caller, stand_in: StandIn, content: str | None
    ) -> None:
        stand_in.fault("overwrite", fields=completion(content))
        assert caller.ask().value.title == "Cells"
        assert caller.outcomes == ["empty", "ok"]

    @pytest.mark.parametrize(
        ("kind", "says"), [("cut_off", "cut off at its length limit"), ("no_content", "empty"), ("no_choices", "empty")]
    )
    def test_twice_is_the_end(self, caller: Caller, stand_in: StandIn, kind: str, says: str) -> None:
        stand_in.fault(kind, times=None)
        with pytest.raises(ModelOutputInvalid, match=f"was {says}.*, also when it was asked for again"):
            caller.ask()
        assert stand_in.calls == {STEP: 2}

    def test_a_repair_that_is_empty_leaves_the_version_before_it(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("overwrite", fields=said(VAGUE))
        stand_in.fault("no_content")
        assert caller.ask().value.lessons[0].learning_objectives[0] == VAGUE
        assert caller.outcomes[1] == "empty"


class TestRefusal:
    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            ("refusal", "the model refused: I can't help with that."),
            ("content_filter", "the model's content filter stopped the answer"),
        ],
    )
    def test_it_is_final_and_says_why(self, caller: Caller, stand_in: StandIn, kind: str, reason: str) -> None:
        stand_in.fault(kind, times=None)
        with pytest.raises(ModelRefused, match=reason):
            caller.ask()
        assert stand_in.calls == {STEP: 1}
        assert len(caller.calls) == 1


class TestUnavailable:
    @pytest.mark.usefixtures("no_garbage_collection")
    @pytest.mark.parametrize("kind", ["429", "500", "502", "503", "529", "reset", "half", "no_http", "no_utf8", "deep"])
    def test_a_passing_fault_is_tried_again(
        self, caller: Caller, stand_in: StandIn, kind: str, no_backoff: list[float]
    ) -> None:
        stand_in.fault(kind, times=2)
        caller.ask()
        assert stand_in.calls == {STEP: 3}
        assert [outcome == "ok" for outcome in caller.outcomes] == [False, False, True]

    def test_the_server_says_how_long_to_wait(self, caller: Caller, stand_in: StandIn, no_backoff: list[float]) -> None:
        stand_in.fault("429", retry_after="7")
        stand_in.fault("503", retry_after=email.utils.formatdate(time.time() + 30, usegmt=True))
        caller.ask()
        assert no_backoff[0] == 7
        assert all(10 <= wait <= 30 for wait in no_backoff[1:]) and len(no_backoff) == 3  # for all, and for itself

    @pytest.mark.parametrize("retry_after", ["0", "-0.0", email.utils.formatdate(0, usegmt=True)])
    def test_a_server_that_asks_for_no_wait_is_not_called_in_a_hot_loop(
        self, caller: Caller, stand_in: StandIn, no_backoff: list[float], retry_after: str
    ) -> None:
        stand_in.fault("429", times=20, retry_after=retry_after)
        caller.ask()
        assert sum(no_backoff) > 5

    @pytest.mark.parametrize("retry_after", ["soon", "-5", "nan", "inf", ""])
    def test_a_wait_that_makes_no_sense_is_one_of_our_own(
        self, caller: Caller, stand_in: StandIn, no_backoff: list[float], retry_after: str
    ) -> None:
        stand_in.fault("429", retry_after=retry_after)
        caller.ask()
        assert 0 <= no_backoff[0] <= 20

    @pytest.mark.parametrize("retry_after", ["3600", "1e300"])
    def test_a_wait_that_is_too_long_for_a_slot_is_left_to_the_queue(
        self, caller: Caller, stand_in: StandIn, retry_after: str
    ) -> None:
        stand_in.fault("429", retry_after=retry_after)
        with pytest.raises(ModelUnavailable) as caught:
            caller.ask()
        assert caught.value.retry_after == float(retry_after)
        assert stand_in.calls == {STEP: 1}

    def test_a_try_that_takes_too_long_is_given_up(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("timeout")
        caller.ask(timeout=4)
        assert stand_in.calls == {STEP: 2}

    def test_all_tries_together_have_a_deadline(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("timeout", times=None)
        with pytest.raises(ModelUnavailable, match="answer"):
            caller.ask(timeout=0.2, deadline=0.5)

    def test_no_server_at_all(self, caller: Caller) -> None:
        # The deadline may come while it waits for its next try, or in the middle of one.
        with pytest.raises(ModelUnavailable, match=r"no answer from the model's server|did not answer within 1 s"):
            caller.ask(base_url="http://127.0.0.1:1/v1", deadline=1, timeout=1)

    @pytest.mark.parametrize(
        "choices",
        ["text", [None], ["text"], [{}], [{"message": None}], [{"message": ["a", "list"]}], None],
    )
    def test_an_answer_of_another_shape_is_asked_for_again(
        self, caller: Caller, stand_in: StandIn, no_backoff: list[float], choices: object
    ) -> None:
        stand_in.fault("overwrite", fields={"choices": choices})
        caller.ask()
        assert caller.outcomes == ["error: ModelUnavailable", "ok"]

    def test_a_server_that_is_no_model_server(self, caller: Caller, stand_in: StandIn) -> None:
        with pytest.raises(
            ModelAccessDenied,
            match=r"check OPENAI_BASE_URL .*/v1.*/nothing-here/chat/completions answered 404",
        ):
            caller.ask(base_url=stand_in.base_url.replace("/v1", "/nothing-here"))


class TestAccessDenied:
    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            ("401", "refuses the key"),
            ("402", "balance"),
            ("403", "refuses the key"),
            ("404", "know"),
            ("400", "know"),
            ("quota", "quota"),
        ],
    )
    def test_it_is_not_tried_again(self, caller: Caller, stand_in: StandIn, kind: str, reason: str) -> None:
        stand_in.fault(kind, times=None)
        with pytest.raises(ModelAccessDenied, match=reason):
            caller.ask()
        assert stand_in.calls == {STEP: 1}


class TestNoTestCanPay:
    """Fault 60: a test that would call the real API fails at once."""

    @pytest.mark.parametrize(
        "base_url", [None, "https://api.openai.com/v1", "http://10.0.0.1/v1", "http://localhost.evil.org"]
    )
    def test_the_client_refuses_a_model_that_is_not_on_this_machine(self, base_url: str | None) -> None:
        with pytest.raises(RemoteCallsForbidden):
            ModelServer(OpenAISettings(api_key="sk-real", base_url=base_url))

    @pytest.mark.parametrize("base_url", ["http://127.0.0.1:1/v1", "http://localhost:1", "http://[::1]:1/v1"])
    def test_and_takes_one_that_is(self, base_url: str) -> None:
        async def build() -> None:
            await ModelServer(OpenAISettings(base_url=base_url)).close()

        asyncio.run(build())

    def test_an_empty_address_in_the_environment_is_the_one_of_openai(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", "")

        async def build() -> str:
            server = ModelServer(OpenAISettings(api_key="sk-real", allow_remote=True))
            await server.close()
            return str(server.client.base_url)

        assert asyncio.run(build()) == "https://api.openai.com/v1/"

    @pytest.mark.parametrize("base_url", ["https://api.openai.com/v1", "http://192.0.2.1/v1"])
    @pytest.mark.parametrize("transport", [openai.DefaultAsyncHttpxClient, openai.DefaultAioHttpClient])
    def test_even_a_client_that_a_test_builds_by_itself_comes_nowhere(
        self, base_url: str, transport: Callable[[], Any]
    ) -> None:
        async def call() -> None:
            client = openai.AsyncOpenAI(
                api_key="sk-real", base_url=base_url, max_retries=0, timeout=5, http_client=transport()
            )
            await client.models.list()

        with pytest.raises(Exception) as caught:
            asyncio.run(call())
        assert "nothing here may leave this machine" in "".join(traceback.format_exception(caught.value))
