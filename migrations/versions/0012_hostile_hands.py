"""hostile hands: see sql/0012_hostile_hands.sql."""

from migrations.script import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run("0012_hostile_hands.sql")


def downgrade() -> None:
    run("0012_hostile_hands.down.sql")
