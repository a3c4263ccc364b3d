"""Files that a reader sees either as they were or as they become, whatever happens to the writer."""

import contextlib
import errno
import os
import secrets
import time
from pathlib import Path

from src.services.crash_points import crash_point

# Seconds. Writing takes less; and what a killed worker owes is left to it for longer.
_LEFTOVER_AGE = 20.0


def write_whole(path: Path, text: str) -> None:
    """Puts `text` into place as a whole: writes a temporary file, syncs and renames it. Raises `OSError`."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        # "x" never opens what is there already, not even a link. The rename replaces a link and doesn't follow it.
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        crash_point("file_written")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        _sweep(path)


def check_folder(folder: Path) -> None:
    """Raises `OSError` if `folder` is a link, which would lead out of the tree. Somebody else has put it there."""
    if folder.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "is a link, which is not followed", str(folder))


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` as durable as the files."""
    if os.name != "posix":
        return  # Windows can't open a folder; it keeps its names in a journal
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(path: Path) -> None:
    """Removes what killed writers of `path` left behind. A young file may be a living writer's, and stays."""
    for leftover in path.parent.glob(f".{path.name}.*.part"):
        with contextlib.suppress(FileNotFoundError):
            if leftover.lstat().st_mtime < time.time() - _LEFTOVER_AGE:
                leftover.unlink()
