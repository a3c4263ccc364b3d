"""source_library: see sql/0009_source_library.sql."""

from migrations.script import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run("0009_source_library.sql")


def downgrade() -> None:
    run("0009_source_library.down.sql")
