"""queue: see sql/0003_queue.sql."""

from migrations.script import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run("0003_queue.sql")


def downgrade() -> None:
    run("0003_queue.down.sql")
