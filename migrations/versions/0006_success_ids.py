"""success_ids: see sql/0006_success_ids.sql."""

from migrations.script import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("0006_success_ids.sql")


def downgrade() -> None:
    run("0006_success_ids.down.sql")
