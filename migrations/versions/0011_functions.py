"""functions: see sql/0011_functions.sql."""

from migrations.script import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run("0011_functions.sql")


def downgrade() -> None:
    run("0011_functions.down.sql")
