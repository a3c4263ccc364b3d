"""What may be set: one typed, frozen `Settings`, checked when it is built."""

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
