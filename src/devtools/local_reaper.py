"""Ends what a program has started when the program itself ends, even if it is killed.

A program that is killed runs no `finally`, and the servers that it has started outlive it. So a second process waits
for the end of the program, on a pipe that closes with it, and ends everything that bears the program's mark.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psutil

_MARK = "COURSE_GENERATOR_RUN"
"""The environment variable with the mark, which a process inherits from the one that starts it."""
_PATIENCE = 10.0
"""Seconds that processes have to end in after they were sent a signal."""
ELSEWHERE = Path("/var/lib/course-generator")
"""Where the data of PostgreSQL servers lie whose own folders are closed to the user that they run as, and the programs.
`make clean` knows this too."""
OWNER = "folder"
"""The link beside such data that leads to the server's own folder."""


class Reaper:
    """A context manager. Put it around everything that the program starts."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="course-generator-"))
        """Holds files that should not outlive the program. Other users may pass through, as PostgreSQL may be one."""
        self.folder.chmod(0o711)
        # It bears no mark of another reaper: that one may end this program, and then this one has work to do.
        environment = {name: value for name, value in os.environ.items() if name != _MARK}
        self._process = subprocess.Popen(
            # -P: the other modules of this folder must not stand in for those of the library.
            [sys.executable, "-P", __file__, str(self.folder)],
            env=environment,
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C and a closed terminal are for the program
        )

    def __enter__(self) -> Self:
        os.environ[_MARK] = str(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what is still there and removes the folder."""
        os.environ.pop(_MARK, None)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def mark() -> dict[str, str]:
    """Returns the mark of this process, for environments that are made anew, not inherited; empty without a reaper."""
    return {_MARK: os.environ[_MARK]} if _MARK in os.environ else {}


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Yields a folder that other users may pass through, and removes it with what lies elsewhere for it.

    It is made in the reaper's folder, if there is one: then it goes even if the program is killed.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get(_MARK)))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Removes a folder, and what lies elsewhere for servers in it."""
    resolved = folder.resolve()
    for home in ELSEWHERE.glob("*"):
        with contextlib.suppress(OSError):  # the programs belong to no folder, and others' data may go at this moment
            if (home / OWNER).readlink().is_relative_to(resolved):
                shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _bears(process: psutil.Process, folder: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.environ().get(_MARK) == folder
    return False


def _reap(folder: str) -> None:
    # SIGQUIT ends PostgreSQL at once too, and leaves no shared memory behind.
    for for_postgres in (signal.SIGQUIT, signal.SIGKILL, signal.SIGKILL):
        if not (found := [process for process in psutil.process_iter() if _bears(process, folder)]):
            break
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.send_signal(for_postgres if process.name() == "postgres" else signal.SIGKILL)
        psutil.wait_procs(found, timeout=_PATIENCE)
    remove(Path(folder))


if __name__ == "__main__":
    sys.stdin.buffer.read()  # nothing is ever written: the pipe is closed when the program ends
    _reap(sys.argv[1])
