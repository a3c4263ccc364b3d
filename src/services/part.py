"""The interface between the worker and its parts: courses, files-only mode, and the slices beside the generator."""

import asyncio
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Protocol

import typer
from pydantic import BaseModel

from src.config import SLICES, RabbitMQSettings, SliceSettings, read_group
from src.domain.errors import StartError
from src.domain.redaction import Redactor
from src.services.broker.publisher import Publisher
from src.services.broker.replies import ReplyPublisher
from src.services.database.connection import Database
from src.services.wakeups import WakeUps


class Part(Protocol):
    """Something that runs in a worker process and can be left out. Its methods are called in the event loop."""

    @property
    def name(self) -> str:
        """The part's name in logs."""
        ...

    @property
    def gauge_descriptions(self) -> Mapping[str, str]:
        """What each gauge says, by its name, for `/metrics`."""
        ...

    async def start(self) -> None:
        """Begins to work. By now the database is usable; the broker may be away."""
        ...

    async def stop(self) -> None:
        """Ends within the grace time. Database and publisher are still there, and the outbox is emptied after it."""
        ...

    def readiness(self) -> Mapping[str, bool]:
        """Returns, for each thing that the part needs, whether it is there."""
        ...

    async def gauges(self) -> Mapping[str, float]:
        """Returns the gauges' present values, by the names of `gauge_descriptions`."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """What every worker process has, whatever its roles. It also empties the outbox, by which parts send messages."""

    database: Database
    publisher: Publisher
    replies: ReplyPublisher
    rabbitmq: RabbitMQSettings
    redact: Redactor
    wakeups: WakeUps
    shutdown: asyncio.Event
    """Set before any part is stopped: nothing new is begun after it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A capability beside the generator, in a folder of its own, which offers this as `SLICE`."""

    settings: type[SliceSettings]
    part: Callable[[Any, Engine], Part]
    """Makes the slice's part, from an instance of `settings` and the engine."""
    commands: typer.Typer | None = None
    """The commands behind `python app.py <name>`, if there are any."""
    messages: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    """Each message that the slice takes or sends, by its name in `docs/contract/<slice>-<name>.schema.json`."""

    def read_settings(self) -> SliceSettings:
        """Returns the slice's settings from the environment and `.env`. Raises `SettingsError`."""
        return read_group(self.settings)


def is_installed(name: str) -> bool:
    """Returns whether the folder of a slice is there."""
    spec = find_spec(SLICES[name].rpartition(".")[0])
    return spec is not None and spec.origin is not None  # what is left of a folder without its modules has no origin


def load_slice(name: str) -> Slice:
    """Imports a slice by its name in the table. Raises `StartError` if its folder is not there."""
    if not is_installed(name):
        folder = SLICES[name].rpartition(".")[0].replace(".", "/")
        raise StartError(f"{name}: {folder} is not in this installation; take {name} out of ROLES")
    found = importlib.import_module(SLICES[name]).SLICE
    assert isinstance(found, Slice)
    return found
