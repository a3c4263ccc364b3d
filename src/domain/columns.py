"""Kinds of values that a column of PostgreSQL can hold; pydantic refuses all others."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, Strict

T = TypeVar("T")

_MOST_INT = 2**31 - 1
# NUL as JSON writes it. After another backslash the same letters are plain text.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def storable(value: T) -> T:
    """Returns `value`, which is one of JSON. Raises `ValueError` if PostgreSQL can't hold it.

    It can't hold the character NUL, surrogates that stand alone, infinities and NaN.
    """
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False)
        written.encode()
    except (TypeError, RecursionError) as error:
        raise ValueError("is no value of JSON") from error
    if _NUL.search(written):
        raise ValueError("holds the character NUL")
    return value


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


Text = Annotated[str, Strict(), AfterValidator(storable)]
Count = Annotated[int, Strict(), Field(ge=1, le=_MOST_INT)]
"""A number that counts something from 1."""
Integer = Annotated[int, Field(ge=-_MOST_INT, le=_MOST_INT)]
Offset = Annotated[int, Strict(), Field(ge=0, le=_MOST_INT)]
Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A time in UTC; one without a zone is taken to be in UTC."""
Json = Annotated[Any, AfterValidator(storable)]
"""A JSON value that another program has chosen."""
JsonObject = Annotated[Mapping[str, Any], AfterValidator(storable)]
"""A JSON object whose keys are not checked here."""
