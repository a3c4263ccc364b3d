"""Messages to and from bytes (fault 54)."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from src.domain.errors import ErrorCode, InvalidRequest
from src.domain.result import ErrorMessage, ProcessingMessage, StatusMessage, SuccessMessage, refusal
from src.domain.text import printable

_message: TypeAdapter[StatusMessage] = TypeAdapter(StatusMessage)

# What is put into a message went through `printable` or came as valid JSON: any character but a lone surrogate.
text = st.text().map(printable)
times = st.datetimes(
    min_value=datetime(2000, 1, 1),
    max_value=datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
common = {"request_id": st.none() | text, "user_id": st.uuids(), "message": text, "timestamp": times}
figures = st.dictionaries(st.sampled_from(["calls", "cost", "checks"]), st.none() | st.integers(0, 2**53))
messages = st.one_of(
    st.builds(ProcessingMessage, course_id=st.uuids(), **common),
    st.builds(
        SuccessMessage,
        course_id=st.uuids(),
        course_title=text,
        total_lessons=st.integers(1, 30),
        output_path=st.none() | text,
        stored_in=st.sampled_from(["database", "files"]),
        usage=figures,
        quality=figures,
        **common,
    ),
    st.builds(
        ErrorMessage,
        course_id=st.none() | st.uuids(),
        error_code=st.sampled_from(ErrorCode),
        retryable=st.booleans(),
        **common,
    ),
)


@given(messages)
def test_what_is_sent_is_what_is_read(message: StatusMessage) -> None:
    assert _message.validate_json(message.encoded()) == message


@pytest.mark.parametrize("user_id", [None, uuid4()])
def test_a_refusal_names_no_course(user_id: UUID | None) -> None:
    message = refusal(None, user_id, InvalidRequest(["topic: Field required"]), datetime.now(UTC))
    assert (message.course_id, message.retryable, message.message) == (None, False, "topic: Field required")
