"""The settings: one typed, frozen `Settings`, which is checked when it is built."""

from src.config.settings import (
    CourseSettings,
    DatabaseSettings,
    OpenAISettings,
    RabbitMQSettings,
    Settings,
    SettingsError,
    WorkerSettings,
    ignored_settings,
)

__all__ = [
    "CourseSettings",
    "DatabaseSettings",
    "OpenAISettings",
    "RabbitMQSettings",
    "Settings",
    "SettingsError",
    "WorkerSettings",
    "ignored_settings",
]
