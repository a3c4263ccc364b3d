"""What the program knows of its schema from the names of files alone."""

from alembic.config import Config
from alembic.script import ScriptDirectory

from src.operations.known_schema import ROOT, head_revision, revisions


def test_the_revisions_are_those_of_alembic() -> None:
    scripts = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini")))
    assert revisions() == [script.revision for script in reversed(list(scripts.walk_revisions()))]
    assert head_revision() == scripts.get_current_head()
