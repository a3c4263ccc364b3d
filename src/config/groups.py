"""The groups of settings. Each reads the names with its own prefix (`RABBITMQ_HOST`, `DB_HOST`, …).

A secret can stand in a file instead (`DB_PASSWORD_FILE`), as container platforms hand them over.
"""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from src.domain.text import has_control_characters
from src.regular_files import read_file

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(min_length=1)]

# Far more than any secret has.
_MOST_SECRET_BYTES = 64 * 1024


def group_config(prefix: str) -> SettingsConfigDict:
    """Returns what pydantic needs to know of a group whose names begin with `prefix`."""
    # An empty value in .env means that the setting isn't set, so that a copied .env.example works as it is.
    return SettingsConfigDict(
        env_prefix=prefix,
        env_ignore_empty=True,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )


class Group(BaseSettings):
    """Settings with one prefix. Fields without a `repr` are secrets."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that the log, the stored messages and the output of commands are cleaned of."""
        values = (getattr(self, name) for name, field in type(self).model_fields.items() if not field.repr)
        return tuple(value for value in values if value)

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Reads what a field `x_file` names into the field `x`."""
        given = dict(values)
        for name in cls.model_fields:
            if (path := given.get(f"{name}_file")) is None or f"{name}_file" not in cls.model_fields:
                continue
            setting = f"{cls.model_config.get('env_prefix', '')}{name}".upper()
            if given.get(name):
                raise ValueError(f"{setting} and {setting}_FILE must not be set together: unset one of them")
            given[name] = _secret_in(path, setting)
        for name, field in cls.model_fields.items():
            # No header and no line of a database's client can hold them.
            if not field.repr and isinstance(given.get(name), str) and has_control_characters(given[name]):
                setting = f"{cls.model_config.get('env_prefix', '')}{name}".upper()
                raise ValueError(f"{setting}: there are control characters in it, such as NUL or a line break")
        return given


def _secret_in(path: str | Path, setting: str) -> str:
    try:
        # Container platforms hand secrets over as links.
        secret = read_file(path, _MOST_SECRET_BYTES, follow=True).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ValueError(f"{setting}_FILE: can't be read: {reason}") from None
    if not secret:
        raise ValueError(f"{setting}_FILE: the file is empty")
    return secret


def _separated_by_commas(names: Any) -> Any:
    return tuple(name.strip() for name in names.split(",") if name.strip()) if isinstance(names, str) else names


def _server_address(url: str) -> str:
    # The messages don't repeat it, as there may be a password in it.
    if "@" in url:
        raise ValueError(
            "must hold no user and password, and no @; give a key as OPENAI_API_KEY, and have a proxy log in to a"
            " server that wants a password"
        )
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port >= 0  # to ask for one that is no number raises
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and has_port
    except ValueError:
        is_one = False
    if not is_one or " " in url or has_control_characters(url):
        raise ValueError("should be the address of a server, such as http://localhost:8080/v1")
    return url


class OpenAISettings(Group):
    """The language model: OpenAI, or any server that speaks its API."""

    model_config = group_config("OPENAI_")

    api_key: str | None = Field(default=None, repr=False)
    api_key_file: FilePath | None = None
    base_url: Annotated[str, AfterValidator(_server_address)] | None = None
    ca_file: FilePath | None = None
    model: Name = "gpt-6-luna"
    model_outline: Name | None = None
    embedding_model: Name | None = None
    json_mode: Literal["auto", "schema", "object", "prompt"] = "auto"
    schema_limits: Literal["auto", "on", "off"] = "auto"
    tokens_parameter: Literal["auto", "max_completion_tokens", "max_tokens", "off"] = "auto"
    system_message: Literal["auto", "on", "off"] = "auto"
    stream: Literal["auto", "on", "off"] = "auto"
    context_tokens: Annotated[int, Field(ge=500)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    temperature_outline: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_p_outline: Annotated[float, Field(gt=0, le=1)] | None = None
    reasoning_effort: Name | None = None
    reasoning_effort_outline: Name | None = None
    timeout: Seconds = 120
    deadline: Seconds = 300
    lesson_deadline: Seconds = 600
    max_concurrent: Annotated[int, Field(ge=1)] = 256
    max_output_tokens: Annotated[int, Field(ge=1)] = 16_000
    max_output_tokens_outline: Annotated[int, Field(ge=1)] = 6_000
    allow_remote: bool = True
    price_input: Annotated[float, Field(ge=0)] | None = None
    price_output: Annotated[float, Field(ge=0)] | None = None
    price_embedding: Annotated[float, Field(ge=0)] | None = None
    record_to: Path | None = None
    replay_from: FilePath | None = None
    vector_store_id: str | None = Field(default=None, validation_alias=AliasChoices("VECTOR_DB_ID", "vector_store_id"))

    @property
    def configured(self) -> bool:
        """Whether there is a model to call. A compatible server may need no key, and a recording needs no server."""
        return self.api_key is not None or self.base_url is not None or self.replay_from is not None

    @model_validator(mode="after")
    def _the_smaller_fits_into_the_larger(self) -> "OpenAISettings":
        if self.timeout > self.deadline:
            raise ValueError("OPENAI_TIMEOUT must not be longer than OPENAI_DEADLINE")
        if self.deadline > self.lesson_deadline:
            raise ValueError("OPENAI_DEADLINE must not be longer than OPENAI_LESSON_DEADLINE")
        return self

    @model_validator(mode="after")
    def _a_replay_is_not_recorded(self) -> "OpenAISettings":
        if self.record_to is not None and self.replay_from is not None:
            raise ValueError("OPENAI_RECORD_TO and OPENAI_REPLAY_FROM must not be set together: unset one of them")
        return self


class RabbitMQSettings(Group):
    """The connection to RabbitMQ, and the names of what is declared there."""

    model_config = group_config("RABBITMQ_")

    host: Name = "localhost"
    port: Port = 5672
    username: Name = "guest"
    password: str = Field(default="guest", repr=False)
    password_file: FilePath | None = None
    vhost: Name = "/"
    tls: bool = False
    tls_ca_file: FilePath | None = None
    tls_cert_file: FilePath | None = None
    tls_key_file: FilePath | None = None
    exchange: Name = "course.exchange"
    queue_generation: Name = "course.generation.queue"
    queue_status: Name = "course.status.queue"
    queue_dead: Name = "course.generation.dead"
    queue_type: Literal["classic", "quorum"] | None = None
    route_generate: Name = "course.generate"
    route_status: Name = "course.status"
    route_progress: Name = "course.progress"
    heartbeat: Annotated[int, Field(ge=2)] = 30
    prefetch: Annotated[int, Field(ge=1, le=1000)] = 50
    reply_to_allow: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_separated_by_commas)] = ()

    @model_validator(mode="after")
    def _a_certificate_has_its_key(self) -> "RabbitMQSettings":
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("RABBITMQ_TLS_CERT_FILE and RABBITMQ_TLS_KEY_FILE must be set together")
        if not self.tls and (self.tls_ca_file or self.tls_cert_file):
            raise ValueError("RABBITMQ_TLS must be true if certificates are set")
        return self


class DatabaseSettings(Group):
    """The connection to PostgreSQL, and the size of its pool. `patience`: for how long a transient fault is retried."""

    model_config = group_config("DB_")

    host: Name = "localhost"
    port: Port = 5432
    name: Name = "learningdb"
    user: Name = "postgres"
    password: str = Field(default="", repr=False)
    password_file: FilePath | None = None
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    sslrootcert: FilePath | None = None
    sslcert: FilePath | None = None
    sslkey: FilePath | None = None
    pool_size: Annotated[int, Field(ge=1)] = 10
    max_overflow: Annotated[int, Field(ge=0)] = 20
    patience: Seconds = 10

    @model_validator(mode="after")
    def _certificates_are_used(self) -> "DatabaseSettings":
        if (self.sslcert is None) != (self.sslkey is None):
            raise ValueError("DB_SSLCERT and DB_SSLKEY must be set together")
        if self.sslrootcert is not None and self.sslmode not in ("verify-ca", "verify-full"):
            raise ValueError("DB_SSLMODE must be verify-full (or verify-ca) if DB_SSLROOTCERT is set")
        return self


class WorkerSettings(Group):
    """What one worker process does at once, and how it proves that it lives."""

    model_config = group_config("WORKER_")

    slots: Annotated[int, Field(ge=1)] = 50
    lease: Seconds = 30
    heartbeat: Seconds = 5
    poll: Seconds = 1
    grace: Annotated[float, Field(ge=0)] = 25

    @model_validator(mode="after")
    def _lease_outlives_missed_beats(self) -> "WorkerSettings":
        if self.heartbeat * 3 > self.lease:
            raise ValueError("WORKER_HEARTBEAT must be at most a third of WORKER_LEASE")
        return self


class CourseSettings(Group):
    """The limits of one course."""

    model_config = group_config("COURSE_")

    max_attempts: Annotated[int, Field(ge=1)] = 5
    deadline: Seconds = 1800
    max_wait: Seconds = 86400


class SliceSettings(Group):
    """What a slice's own settings are a subclass of: `class LearningSettings(SliceSettings, env_prefix="LEARNING_")`.

    They are read by `read_group`, only for the slice's role or its commands. A `SecretStr` is never shown.
    """

    model_config = group_config("")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that the log and the stored messages are cleaned of."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))
