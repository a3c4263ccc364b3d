"""The limits that the model's server, the settings and a budget put on calls, with the real client (fault 24)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from src.config import OpenAISettings
from src.domain.errors import BudgetExceeded, ModelOutputInvalid, ModelUnavailable, Stopping
from src.domain.outline import Outline
from src.domain.quality.review import Reviewed
from src.domain.redaction import Redactor
from src.services.model.budget import TokenBudget
from src.services.model.language_model import OpenAIModel
from src.services.model.prompts import outline_question
from src.services.model.server import ModelServer
from tests.integration.test_language_model import BRIEF, Caller, review
from tests.stand_in import StandIn

CUT_OFF = [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "{" * 600}}]


Ask = Callable[[], Coroutine[Any, Any, Reviewed[Outline]]]


@asynccontextmanager
async def client(
    stand_in: StandIn, budget: int | None = None, **settings: Any
) -> AsyncIterator[tuple[ModelServer, Ask]]:
    """A server, and how to ask it for the outline of one and the same course."""
    config = OpenAISettings(**{"base_url": stand_in.base_url, **settings})
    server, tokens = ModelServer(config), TokenBudget(budget)
    model = OpenAIModel(server, config, Redactor())
    yield server, lambda: model.ask(outline_question(BRIEF, [], review), tokens, lambda _: None)
    await server.close()


@pytest.fixture
def caller(stand_in: StandIn) -> Caller:
    return Caller(stand_in)


def test_no_more_calls_are_open_at_once_than_allowed(stand_in: StandIn) -> None:
    async def work() -> None:
        stand_in.fault("hold", times=None)
        async with client(stand_in, max_concurrent=3) as (_, ask):
            questions = asyncio.gather(*(ask() for _ in range(10)))
            await asyncio.to_thread(stand_in.wait_until_held, 3)
            await asyncio.to_thread(stand_in.clear_faults)
            await asyncio.to_thread(stand_in.release)
            await questions

    asyncio.run(work())
    assert stand_in.stats()["most_open"] == 3
    assert stand_in.stats()["calls"] == 10


class TestLessonDeadline:
    def test_an_answer_and_its_repair_have_one_deadline_together(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("wrong_schema")
        stand_in.fault("hold", times=None)
        with pytest.raises(ModelUnavailable, match="had not finished the outline within 4 s"):
            caller.ask(lesson_deadline=4, deadline=4, timeout=4)
        assert [outcome.partition(":")[0] for outcome in caller.outcomes] == ["wrong", "error"]


class TestContext:
    def test_an_answer_that_has_no_room_beside_its_question_is_asked_for_anew(
        self, caller: Caller, stand_in: StandIn
    ) -> None:
        long = "An answer that goes on. " * 300
        stand_in.fault("overwrite", fields={"choices": [{"message": {"content": long}, "finish_reason": "stop"}]})
        assert caller.ask(context_tokens=3000, max_output_tokens=700).value.title == "Cells"
        assert [outcome.partition(":")[0] for outcome in caller.outcomes] == ["wrong", "ok"]


class TestBudget:
    @pytest.mark.parametrize("budget", [None, 100_000])
    def test_an_answer_may_be_as_long_as_what_is_reserved_for_it(self, caller: Caller, budget: int | None) -> None:
        with pytest.raises(
            ModelOutputInvalid, match=r"cut off .* after 10 tokens.* OPENAI_MAX_OUTPUT_TOKENS allows 10"
        ):
            caller.ask(max_output_tokens=10, budget=budget)
        assert [call.output_tokens for call in caller.calls] == [10, 10]

    def test_an_outline_that_is_too_long_for_its_own_limit_may_be_as_long_as_a_lesson(self, caller: Caller) -> None:
        caller.ask(max_output_tokens_outline=10)
        assert caller.outcomes == ["cut off", "ok"]

    def test_a_call_that_might_go_over_it_is_not_made(self, caller: Caller, stand_in: StandIn) -> None:
        with pytest.raises(BudgetExceeded, match="taken 0 tokens"):
            caller.ask(budget=6_100)
        assert stand_in.stats()["calls"] == 0

    def test_what_a_wrong_answer_took_is_taken(self, caller: Caller, stand_in: StandIn) -> None:
        stand_in.fault("not_json")
        with pytest.raises(BudgetExceeded, match=r"taken \d+ tokens"):
            caller.ask(max_output_tokens=5000, budget=5850)
        assert len(caller.calls) == 1

    @pytest.mark.parametrize("usage", [None, {}])
    def test_a_server_that_does_not_count_is_no_cheaper(
        self, caller: Caller, stand_in: StandIn, usage: dict[str, int] | None
    ) -> None:
        stand_in.fault("overwrite", fields={"usage": usage, "choices": CUT_OFF})
        with pytest.raises(BudgetExceeded, match=r"taken [1-9]\d+ tokens"):
            caller.ask(max_output_tokens=5000, budget=5850)

    def test_after_a_stop_a_question_that_waits_for_what_others_leave_of_it_is_not_asked(
        self, stand_in: StandIn
    ) -> None:
        async def work() -> None:
            stand_in.fault("hold")
            async with client(stand_in, budget=9000, max_output_tokens=5000) as (server, ask):
                first, second = asyncio.create_task(ask()), asyncio.create_task(ask())
                await asyncio.to_thread(stand_in.wait_until_held)
                server.stop()
                await asyncio.to_thread(stand_in.release)
                assert (await first).value.title == "Cells"
                with pytest.raises(Stopping):
                    await second

        asyncio.run(work())
        assert stand_in.stats()["calls"] == 1


class TestBrake:
    def test_a_busy_server_gets_half_of_the_calls_until_it_answers_again(self) -> None:
        async def work(busy: StandIn) -> int:
            async with client(busy, max_concurrent=32) as (server, ask):
                await asyncio.gather(*(ask() for _ in range(40)))
                return server.brake.limit

        with StandIn(latency=0.05, capacity=4) as busy:
            limit = asyncio.run(work(busy))
            stats = busy.stats()
        # Without a brake each of 40 would come again and again, until its turn among four came by chance.
        assert stats["calls"] - stats["faulted"] == 40
        assert stats["faulted"] <= 80
        assert 1 <= limit < 32

    def test_a_wait_that_one_call_is_told_holds_for_all(self, stand_in: StandIn) -> None:
        stand_in.fault("429", retry_after="90")

        async def work() -> None:
            async with client(stand_in) as (_, ask):
                for _ in range(3):
                    with pytest.raises(ModelUnavailable) as caught:
                        await ask()
                    assert caught.value.retry_after == pytest.approx(90, abs=30)

        asyncio.run(work())
        assert stand_in.stats()["calls"] == 1

    def test_a_bucket_that_is_empty_by_the_headers_is_not_called_on(self, stand_in: StandIn) -> None:
        headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "90s"}
        stand_in.fault("overwrite", headers=headers)

        async def work() -> None:
            async with client(stand_in) as (_, ask):
                await ask()
                with pytest.raises(ModelUnavailable, match="asks for no call"):
                    await ask()

        asyncio.run(work())
        assert stand_in.stats()["calls"] == 1

    def test_a_call_that_gets_no_turn_gives_its_slot_back_and_stands_in_line_no_second_time(
        self, stand_in: StandIn
    ) -> None:
        async def work() -> None:
            async with client(stand_in, timeout=0.1, deadline=0.1) as (server, ask), server.brake.turn() as turn:
                server.brake.refused(turn, None)
                with pytest.raises(ModelUnavailable, match="no call could be opened"):
                    await ask()

        asyncio.run(work())
        assert stand_in.stats()["calls"] == 0
