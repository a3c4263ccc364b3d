"""A worker as a process of its own, seen by its log and its exit code."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from src.devtools.local_reaper import mark
from src.operations.known_schema import ROOT
from tests.waiting import PATIENCE, processes

# No test may pay: a process that is told nothing else calls no model outside of this machine.
ALONE = {"OPENAI_ALLOW_REMOTE": "off"}


class WorkerProcess:
    """A process `python app.py` whose environment has the `settings`, but nothing of the caller's."""

    def __init__(self, settings: dict[str, str], folder: Path, *arguments: str, house: Path = ROOT) -> None:
        """`house` is the project, or a copy of it."""
        own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(house), "LOG_FORMAT": "json", **ALONE, **mark()}
        # It runs in the test's own folder: whoever runs the tests may have an .env in the project.
        self._process = subprocess.Popen(
            [sys.executable, str(house / "app.py"), *arguments],
            cwd=folder,
            env={**own, **settings},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[dict[str, Any]] = []
        self.other_output: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._may_end = "CRASH_AT" in settings or bool(arguments)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        processes.append(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def died(self) -> bool:
        """Whether it has ended and nobody wanted it to."""
        return self.ended and not self._may_end

    def wait_for(self, action: str, **fields: Any) -> dict[str, Any]:
        """Returns the first log line with this `action` and `fields`, as soon as it is written."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.lines(action) if fields.items() <= line.items()), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._ended, PATIENCE)
        line = found()
        assert line is not None, f"no {action} {fields} in the log:\n{self}"
        return line

    def lines(self, action: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line.get("action") == action]

    def signal(self, number: signal.Signals) -> None:
        self._may_end |= number not in (signal.SIGSTOP, signal.SIGCONT)
        self._process.send_signal(number)

    def kill(self) -> None:
        """Sends SIGKILL and waits for the end."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """Sends SIGTERM, waits for the end and returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Returns the exit code when the process has ended and everything it wrote is in `log`."""
        self._may_end = True
        code = self._process.wait(PATIENCE)
        self._reader.join()
        return code

    def end(self) -> None:
        """Ends the process, whatever state it is in."""
        if self in processes:
            processes.remove(self)
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
                self._process.kill()
        self.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def __str__(self) -> str:
        return "\n".join([*map(str, self.log), *self.other_output])

    def _read(self) -> None:
        assert self._process.stderr is not None
        for text in self._process.stderr:
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            with self._news:
                if isinstance(line, dict):
                    self.log.append(line)
                else:
                    self.other_output.append(text.rstrip())
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
