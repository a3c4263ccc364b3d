"""rights: see sql/0013_rights.sql."""

from migrations.script import run

revision = "0013"
down_revision = "0011"


def upgrade() -> None:
    run("0013_rights.sql")


def downgrade() -> None:
    run("0013_rights.down.sql")
