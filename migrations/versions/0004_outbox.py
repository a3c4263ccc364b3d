"""outbox: see sql/0004_outbox.sql."""

from migrations.script import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run("0004_outbox.sql")


def downgrade() -> None:
    run("0004_outbox.down.sql")
