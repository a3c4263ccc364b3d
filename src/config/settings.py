"""Settings, read from the environment and `.env`.

`.env.example` lists them all. Times are in seconds.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from dotenv import dotenv_values
from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
)

from src.config.groups import (
    CourseSettings,
    DatabaseSettings,
    OpenAISettings,
    Port,
    RabbitMQSettings,
    WorkerSettings,
    group_config,
)
from src.config.roles import COURSES, SLICES
from src.domain.errors import OperatorError
from src.domain.quality.repair_choice import RepairMode
from src.domain.quality.weights import ENOUGH

G = TypeVar("G", bound=BaseSettings)

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class SettingsError(OperatorError, ValueError):
    """One or more settings are wrong. `faults` has one line for each, without the value: it may be a secret."""

    exit_code = 2

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults

    def lines(self) -> list[str]:
        """Returns one line for each fault."""
        return [f"settings: {fault}" for fault in self.faults]


_GONE = {"SOURCES_DIR": "import the folder once with `python app.py sources add`, then unset SOURCES_DIR"}
"""Settings of earlier versions, each with what to do instead."""

_GROUPS: dict[str, type[BaseSettings]] = {
    "openai": OpenAISettings,
    "rabbitmq": RabbitMQSettings,
    "database": DatabaseSettings,
    "worker": WorkerSettings,
    "course": CourseSettings,
}


class Settings(BaseSettings):
    """All settings. If any are wrong, building them raises one `SettingsError` that names every fault."""

    model_config = group_config("")

    openai: OpenAISettings
    rabbitmq: RabbitMQSettings
    database: DatabaseSettings
    worker: WorkerSettings
    course: CourseSettings
    roles: Annotated[frozenset[str], NoDecode] = frozenset({COURSES})
    max_lessons: Annotated[int, Field(ge=1)] = 30
    max_priority: Annotated[int, Field(ge=0, le=9)] = 9
    max_open_courses_per_user: Annotated[int, Field(ge=1)] | None = None
    max_courses_per_user_per_minute: Annotated[int, Field(ge=1)] | None = None
    max_course_tokens: Annotated[int, Field(ge=1)] | None = None
    grounding: Literal["required", "preferred", "off"] = "preferred"
    repair: RepairMode = "weighed"
    repair_weight: Annotated[int, Field(ge=1)] = ENOUGH
    files: bool = True
    output_dir: Path = Path("courses")
    log_level: Annotated[Level, BeforeValidator(str.upper)] = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"
    health_port: Port | None = None
    health_host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    outbox_keep_days: Annotated[float, Field(gt=0)] = 7

    def __init__(self, env_file: str | Path | None = ".env", **given: Any) -> None:
        faults: list[str] = []
        for name, group in _GROUPS.items():
            if name not in given:
                try:
                    given[name] = read_group(group, env_file)
                except SettingsError as error:
                    faults += error.faults
        try:
            super().__init__(_env_file=env_file, **given)
        except ValidationError as error:
            faults += _describe(error, type(self))
        if faults:
            raise SettingsError(faults) from None

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *args: PydanticBaseSettingsSource, **sources: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Returns the usual sources, without variables that happen to have the name of a group (`DATABASE`)."""
        for source in (*args, *sources.values()):
            if isinstance(source, EnvSettingsSource):
                source.env_vars = {name: value for name, value in source.env_vars.items() if name not in _GROUPS}
        return super().settings_customise_sources(settings_cls, *args, **sources)

    @field_validator("roles", mode="before")
    @classmethod
    def _separated_by_commas(cls, roles: Any) -> Any:
        return {role.strip() for role in roles.split(",") if role.strip()} if isinstance(roles, str) else roles

    @field_validator("roles")
    @classmethod
    def _known(cls, roles: frozenset[str]) -> frozenset[str]:
        known = (COURSES, *SLICES)
        if not roles or not roles <= set(known):
            raise ValueError(f"give one or more of {', '.join(known)}, with commas between them")
        return roles

    @model_validator(mode="after")
    def _limits_leave_room_for_what_they_limit(self) -> "Settings":
        if self.openai.lesson_deadline >= self.course.deadline:
            raise ValueError("OPENAI_LESSON_DEADLINE must be shorter than COURSE_DEADLINE")
        if self.max_course_tokens is not None and self.max_course_tokens <= self.openai.max_output_tokens:
            raise ValueError(
                f"MAX_COURSE_TOKENS ({self.max_course_tokens}) must be more than OPENAI_MAX_OUTPUT_TOKENS"
                f" ({self.openai.max_output_tokens}), which each call reserves: raise the one, or lower the other"
            )
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that may never be shown, and are taken out of logs and stored messages."""
        return (*self.openai.secrets, *self.rabbitmq.secrets, *self.database.secrets)


def read_group(group: type[G], env_file: str | Path | None = ".env") -> G:
    """Returns the settings of one group. Raises `SettingsError` with every fault."""
    try:
        return group(_env_file=env_file)
    except ValidationError as error:
        raise SettingsError(_describe(error, group)) from None


def known_secrets(env_file: str | Path | None = ".env") -> list[str]:
    """Returns the secrets of the environment, but for those of groups that have a fault. Raises nothing."""
    found: list[str] = []
    for group in (OpenAISettings, RabbitMQSettings, DatabaseSettings):
        with contextlib.suppress(SettingsError):
            found += read_group(group, env_file).secrets
    return found


def exposed_secrets(env_file: str | Path = ".env") -> list[str]:
    """Returns the names of the secrets that stand in a file which every user of this machine may read."""
    path = Path(env_file)
    if os.name != "posix" or not path.is_file() or not path.stat().st_mode & stat.S_IROTH:
        return []
    secrets = {
        _environment_name(group, name, field)
        for group in _GROUPS.values()
        for name, field in group.model_fields.items()
        if not field.repr
    }
    return sorted(secrets & {name.upper() for name, value in dotenv_values(path).items() if value})


def ignored_settings(env_file: str | Path = ".env") -> dict[str, str]:
    """Returns those settings of earlier versions that are still set, each with what to do instead."""
    given = {name.upper() for name, value in {**dotenv_values(env_file), **os.environ}.items() if value}
    return {name: instead for name, instead in _GONE.items() if name in given}


def environment_names() -> list[str]:
    """Returns the name of every setting, in the order of the groups. A test compares `.env.example` with this."""
    names = [
        _environment_name(group, name, field)
        for group in _GROUPS.values()
        for name, field in group.model_fields.items()
    ]
    return names + [name.upper() for name in Settings.model_fields if name not in _GROUPS]


def _environment_name(group: type[BaseSettings], name: str, field: FieldInfo | None) -> str:
    if field is not None and isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return f"{group.model_config.get('env_prefix', '')}{name}".upper()


def _describe(error: ValidationError, group: type[BaseSettings]) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        message = fault["msg"].removeprefix("Value error, ")
        if not fault["loc"]:
            lines.append(message)
            continue
        name = str(fault["loc"][0])
        if group is Settings and name in _GROUPS:
            continue  # the group has reported its faults by itself
        lines.append(f"{_environment_name(group, name, group.model_fields.get(name))}: {message}")
    return lines
