import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.errors import BudgetExceeded
from src.domain.model_call import estimated_tokens
from src.services.model.budget import TokenBudget


def test_without_a_limit_everything_is_granted() -> None:
    async def take() -> None:
        budget = TokenBudget(None, spent=10**9)
        async with budget.reserved(10**9):
            pass

    asyncio.run(take())


def test_what_is_used_is_spent_and_the_rest_is_given_back() -> None:
    async def take() -> None:
        budget = TokenBudget(100, spent=10)
        async with budget.reserved(90) as first:
            first.used = 20
        budget.spend(10)  # for what is not reserved
        async with budget.reserved(60):
            pass
        with pytest.raises(BudgetExceeded, match=r"taken 40 tokens .* 61 more .* budget of 100 \(MAX_COURSE_TOKENS\)"):
            async with budget.reserved(61):
                pass

    asyncio.run(take())


def test_who_comes_while_others_have_it_all_waits_for_what_they_leave() -> None:
    async def take() -> list[str]:
        budget, order = TokenBudget(100), []
        answered = asyncio.Event()

        async def call(name: str, used: int) -> None:
            async with budget.reserved(60) as reservation:
                order.append(f"{name} begins")
                await answered.wait()
                reservation.used = used
                order.append(f"{name} ends")

        tasks = [asyncio.create_task(call("first", 30)), asyncio.create_task(call("second", 30))]
        await asyncio.sleep(0)
        answered.set()
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(take()) == ["first begins", "first ends", "second begins", "second ends"]


def test_a_call_that_breaks_gives_its_reservation_back() -> None:
    async def take() -> None:
        budget = TokenBudget(100)
        with pytest.raises(ZeroDivisionError):
            async with budget.reserved(100):
                raise ZeroDivisionError
        async with budget.reserved(100):
            pass

    asyncio.run(take())


@given(
    limit=st.integers(1, 300),
    calls=st.lists(st.tuples(st.integers(1, 100), st.floats(0, 1)), max_size=20),
)
def test_calls_that_stay_within_what_they_reserve_never_overdraw_it(limit: int, calls: list[tuple[int, float]]) -> None:
    async def take() -> int:
        budget, spent = TokenBudget(limit), 0

        async def call(tokens: int, share: float) -> None:
            nonlocal spent
            async with budget.reserved(tokens) as reservation:
                await asyncio.sleep(0)
                reservation.used = int(tokens * share)
                spent += reservation.used

        done = await asyncio.gather(*(call(*each) for each in calls), return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, BudgetExceeded) for outcome in done)
        return spent

    assert asyncio.run(take()) <= limit


@pytest.mark.parametrize(
    ("text", "tokens"),
    # Counted with the encoding o200k_base of OpenAI's newer models (npm package gpt-tokenizer 4.0.0).
    [
        ("Cells are the small units of which all living things are made.", 13),
        ("Zellen sind die kleinen Einheiten, aus denen alle Lebewesen bestehen.", 16),
        ("कोशिकाएँ वे छोटी इकाइयाँ हैं जिनसे सभी जीव बने होते हैं।", 18),
        ("الخلايا هي الوحدات الصغيرة التي تتكون منها جميع الكائنات الحية.", 18),
        ("细胞是构成一切生物的小单位。", 12),
        ("เซลล์คือหน่วยเล็กๆ ที่ประกอบกันเป็นสิ่งมีชีวิตทั้งหมด", 19),
        ('{"lesson_number": 1, "title": "The Cell", "key_concepts": ["cell", "membrane"]}', 27),
    ],
)
def test_a_text_is_counted_on_the_high_side(text: str, tokens: int) -> None:
    assert tokens <= estimated_tokens(text) <= 4 * tokens


def test_characters_that_are_none_are_counted_too() -> None:
    assert estimated_tokens("\ud800" * 300) == 101
