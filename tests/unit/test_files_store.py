import errno
from pathlib import Path
from uuid import uuid4

import pytest

from src.domain.request import CourseRequest
from src.services.files_store import FilesStore

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
