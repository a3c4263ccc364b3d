"""longest_gap: see sql/0008_longest_gap.sql."""

from migrations.script import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run("0008_longest_gap.sql")


def downgrade() -> None:
    run("0008_longest_gap.down.sql")
