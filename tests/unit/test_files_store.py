import asyncio
import errno
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from src.domain.errors import ErrorCode
from src.domain.files_course import StoredResult
from src.domain.request import CourseRequest
from src.domain.result import ErrorMessage
from src.services.files.store import FilesStore

REQUEST = CourseRequest(user_id=uuid4(), request_id="r-1", topic="Cells").completed(None, None)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_folder_that_can_not_be_looked_into_holds_nothing_as_far_as_can_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Fault 36: the database may be well, and its requests must not suffer."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "no")

    files = FilesStore(tmp_path)
    for name in ("stat", "glob", "exists"):
        monkeypatch.setattr(Path, name, refuse)
    assert not files.has(REQUEST.course_id)
    assert files.waiting() == []
    anonymous = REQUEST.model_copy(update={"id_given": False})
    assert files.recognised(anonymous, b"{}", redelivered=True) == anonymous


def test_a_link_in_place_of_a_course_is_not_followed(tmp_path: Path) -> None:
    """Fault 46: the name is no secret, it follows from the request."""
    outside = tmp_path / "outside"
    outside.mkdir()
    files = FilesStore(tmp_path / "courses")
    place = tmp_path / "courses" / ".files-only" / str(REQUEST.course_id)
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(NotADirectoryError, match="not followed"):
        files._begin(REQUEST, b"{}")
    assert list(outside.iterdir()) == []


def test_a_look_at_a_course_that_has_ended_is_no_attempt(tmp_path: Path) -> None:
    async def attempts() -> list[int]:
        files, found = FilesStore(tmp_path), []
        for _ in range(4):
            claim = await files.begin(REQUEST, b"{}")
            assert claim is not None
            found.append(claim.attempt)
            if len(found) == 2:
                message = ErrorMessage(
                    request_id=REQUEST.request_id,
                    user_id=REQUEST.user_id,
                    course_id=REQUEST.course_id,
                    error_code=ErrorCode.MODEL_REFUSED,
                    retryable=False,
                    message="no",
                    timestamp=datetime.now(UTC),
                )
                ended = StoredResult(message=message, message_id=uuid4(), ended_at=message.timestamp)
                await files.save_result(claim, ended)
            await files.release(REQUEST.course_id)
        return found

    assert asyncio.run(attempts()) == [1, 2, 2, 2]
