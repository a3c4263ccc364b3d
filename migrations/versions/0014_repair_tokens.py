"""repair tokens: see sql/0014_repair_tokens.sql."""

from migrations.script import run

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run("0014_repair_tokens.sql")


def downgrade() -> None:
    run("0014_repair_tokens.down.sql")
