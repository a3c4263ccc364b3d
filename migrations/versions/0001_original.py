"""original: see sql/0001_original.sql."""

from migrations.script import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run("0001_original.sql")


def downgrade() -> None:
    run("0001_original.down.sql")
