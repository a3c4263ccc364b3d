"""Folders in which others may write too.

A `Folder` is open: what is done in it is done in that very folder, and no link in it is followed. Whoever renames
folders meanwhile, or puts links in their places, has nothing read, written or removed elsewhere.
"""

import contextlib
import errno
import os
import secrets
import shutil
import stat
import time
from pathlib import Path, PurePath
from types import TracebackType

from filelock import lock_descriptor

from src.regular_files import read_file
from src.services.crash_points import crash_point

# Seconds. Writing takes less; and what a killed worker owes is left to it for longer.
_LEFTOVER_AGE = 20.0
# Windows can't open a folder: there, everything goes by paths.
_BY_PATHS = os.name != "posix"


class Folder:
    """An open folder. Close it by leaving its `with` block. All that is named in it is one segment of a path.

    Everything raises `OSError`.
    """

    def __init__(self, path: Path, descriptor: int | None) -> None:
        """`path` is where the folder was when it was opened, and stands in messages; the descriptor is closed here."""
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def opened(cls, path: Path, *, make: bool = False) -> "Folder":
        """Opens a folder that an operator has named, so links in `path` are followed. `make`: it is made if needed."""
        if make:
            path.mkdir(parents=True, exist_ok=True)
        if _BY_PATHS:
            return cls(path, None)
        return cls(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY))

    def folder(self, name: str, *, make: bool = False, mode: int = 0o777) -> "Folder":
        """Opens a folder in this one; with `make`, it is made if it isn't there."""
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._at(name), mode, dir_fd=self._descriptor)
        try:
            if _BY_PATHS and not stat.S_ISDIR(self.status(name).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "")
            descriptor = None if _BY_PATHS else self._open(self._at(name), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            what = "is a link or no folder, and is not followed; remove it"
            raise NotADirectoryError(errno.ENOTDIR, what, str(self.path / name)) from None
        return Folder(self.path / name, descriptor)

    def below(self, path: PurePath) -> "Folder":
        """Opens the folder that `path` leads to from here, one after the other; without segments, this one again."""
        folder = Folder(self.path, None if self._descriptor is None else os.dup(self._descriptor))
        for name in path.parts:
            with folder as parent:
                folder = parent.folder(name)
        return folder

    def keep_private(self) -> None:
        """Closes the folder to all other users. Raises `PermissionError` if it is another user's."""
        if self._descriptor is None:
            return
        status = os.fstat(self._descriptor)
        if status.st_uid != os.geteuid():
            raise PermissionError(
                errno.EPERM,
                f"belongs to user {status.st_uid}, who could read and change what is kept in it; this process runs as"
                f" user {os.geteuid()}: run it as the other one, or move the folder away, and a new one is made",
                str(self.path),
            )
        if status.st_mode & 0o077:
            os.fchmod(self._descriptor, 0o700)

    def entries(self) -> list["os.DirEntry[str]"]:
        """Returns what is in the folder. What an entry looks up, it looks up here, while the folder is open."""
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as found:
            return list(found)

    def status(self, name: str) -> os.stat_result:
        """Returns the status of what has that name, of a link its own."""
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def read(self, name: str, most_bytes: int) -> bytes:
        """Returns what is in a regular file of at most `most_bytes`."""
        return read_file(self._at(name), most_bytes, folder=self._descriptor)

    def write(self, name: str, text: str) -> None:
        """Puts a file into place as a whole: a reader sees it as it was or as it becomes, whatever happens to us."""
        temporary = f".{name}.{secrets.token_hex(6)}.part"
        try:
            # "x" never opens what is there already, not even a link. The rename replaces a link and doesn't follow it.
            with open(self._at(temporary), "x", encoding="utf-8", newline="\n", opener=self._open) as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            crash_point("file_written")
            self.rename(temporary, name)
        finally:
            with contextlib.suppress(FileNotFoundError):
                self._remove(temporary)
            self._sweep(name)
        if self._descriptor is not None:  # Windows keeps its names in a journal
            os.fsync(self._descriptor)

    def rename(self, name: str, new: str) -> None:
        """Renames a file, over one that has the new name."""
        os.replace(self._at(name), self._at(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove_tree(self, name: str) -> None:
        """Removes a folder with all that is in it, as far as that can be done. Never raises."""
        shutil.rmtree(self._at(name), ignore_errors=True, dir_fd=self._descriptor)

    def lock(self, name: str) -> int | None:
        """Locks a file, which is made if needed, against every other process; returns None if somebody else has it.

        Closing the descriptor that is returned lets others have it, and so does the end of the process.
        """
        no_link = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = self._open(self._at(name), os.O_RDWR | os.O_CREAT | no_link)
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, descriptor)
            # Who had it may have removed the file with its folder; then it guards nothing any more.
            if lock_descriptor(descriptor, blocking=False) and os.fstat(descriptor).st_nlink:
                undo.pop_all()
                return descriptor
        return None

    def __enter__(self) -> "Folder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _at(self, name: str) -> str:
        if PurePath(name).name != name or name in ("", ".."):
            raise NotADirectoryError(errno.ENOTDIR, "leads out of its folder", str(self.path / name))
        return str(self.path / name) if self._descriptor is None else name

    def _open(self, path: str, flags: int) -> int:
        return os.open(path, flags, 0o666, dir_fd=self._descriptor)

    def _remove(self, name: str) -> None:
        os.unlink(self._at(name), dir_fd=self._descriptor)

    def _sweep(self, name: str) -> None:
        """Removes what killed writers of a file left behind. What is young may be a living writer's, and stays."""
        for entry in self.entries():
            if not (entry.name.startswith(f".{name}.") and entry.name.endswith(".part")):
                continue
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < time.time() - _LEFTOVER_AGE:
                    self._remove(entry.name)
