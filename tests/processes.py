"""Processes as the system knows them, whoever has started them."""

import contextlib
from pathlib import Path

import psutil


def living(*folders: Path) -> list[psutil.Process]:
    """Returns the processes that work in one of `folders`, or have it in their command line or environment."""
    return [process for process in psutil.process_iter() if any(_belongs_to(process, folder) for folder in folders)]


def _belongs_to(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        told = [*process.cmdline(), *process.environ().values()]
        return process.cwd().startswith(str(folder)) or any(str(folder) in text for text in told)
    return False
