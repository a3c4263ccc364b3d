"""A watch for files that the event loop touches itself: it should leave them to threads, as a disk may be slow."""

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.listdir", "os.scandir", "shutil.rmtree"}
_watches: "list[_Watch]" = []


class _Watch:
    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._thread = threading.get_ident()
        self.touched: list[str] = []

    def look(self, event: str, path: object) -> None:
        if threading.get_ident() != self._thread or not isinstance(path, str | bytes | os.PathLike):
            return
        if os.fsdecode(path).startswith(self._folder):
            ours = [f"{frame.name} ({Path(frame.filename).name})" for frame in traceback.extract_stack(limit=8)[:-2]]
            self.touched.append(f"{event} {os.fsdecode(path)} by {' < '.join(reversed(ours))}")


@contextmanager
def touched_by_the_event_loop(folder: Path) -> Iterator[list[str]]:
    """Yields a list of what the calling thread does to files below `folder`, which grows as it does.

    The event loop has to run in this thread.
    """
    watch = _Watch(folder)
    _watches.append(watch)
    with pytest.MonkeyPatch.context() as patch:
        # `stat` and `lstat` raise no audit events.
        for name in ("stat", "lstat"):
            patch.setattr(os, name, _noted(name, getattr(os, name)))
        try:
            yield watch.touched
        finally:
            _watches.remove(watch)


def _noted(name: str, original: Any) -> Any:
    def look(path: Any, *arguments: Any, **options: Any) -> Any:
        _note(f"os.{name}", (path,))
        return original(path, *arguments, **options)

    return look


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    for watch in _watches:
        watch.look(event, arguments[0])


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watches and event in _EVENTS:
        _note(event, arguments)


# The hook stays for good, as Python has no way to remove one.
sys.addaudithook(_hook)
