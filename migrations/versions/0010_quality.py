"""quality: see sql/0010_quality.sql."""

from migrations.script import run

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run("0010_quality.sql")


def downgrade() -> None:
    run("0010_quality.down.sql")
