"""SQL statements in named files."""

from functools import cache
from importlib import resources

from sqlalchemy import TextClause, text

from src.domain.stored_course import LESSON_COLUMNS


@cache
def sql(name: str) -> TextClause:
    """Returns the statement in `src/services/database/sql/<name>.sql`. Raises `FileNotFoundError` if there is none."""
    return text(text_of(name).replace("{lesson_columns}", ", ".join(LESSON_COLUMNS)))


def text_of(name: str) -> str:
    """Returns the text of `src/services/database/sql/<name>.sql`. Raises `FileNotFoundError` if there is none."""
    return resources.files("src.services.database").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
