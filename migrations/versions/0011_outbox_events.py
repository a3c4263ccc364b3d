"""outbox events: see sql/0011_outbox_events.sql."""

from migrations.script import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run("0011_outbox_events.sql")


def downgrade() -> None:
    run("0011_outbox_events.down.sql")
