"""rights and locks: see sql/0012_rights_and_locks.sql."""

from migrations.script import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run("0012_rights_and_locks.sql")


def downgrade() -> None:
    run("0012_rights_and_locks.down.sql")
