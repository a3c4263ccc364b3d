"""control: see sql/0005_control.sql."""

from migrations.script import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run("0005_control.sql")


def downgrade() -> None:
    run("0005_control.down.sql")
