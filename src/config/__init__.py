"""The settings: one typed, frozen `Settings`, which is checked when it is built."""

from src.config.groups import (
    CourseSettings,
    DatabaseSettings,
    OpenAISettings,
    RabbitMQSettings,
    SliceSettings,
    WorkerSettings,
)
from src.config.roles import COURSES, SLICES
from src.config.settings import Settings, SettingsError, exposed_secrets, ignored_settings, known_secrets, read_group

__all__ = [
    "COURSES",
    "SLICES",
    "CourseSettings",
    "DatabaseSettings",
    "OpenAISettings",
    "RabbitMQSettings",
    "Settings",
    "SettingsError",
    "SliceSettings",
    "WorkerSettings",
    "exposed_secrets",
    "ignored_settings",
    "known_secrets",
    "read_group",
]
