"""budget_tokens: see sql/0007_budget_tokens.sql."""

from migrations.script import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run("0007_budget_tokens.sql")


def downgrade() -> None:
    run("0007_budget_tokens.down.sql")
