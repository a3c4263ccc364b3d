"""courses: see sql/0002_courses.sql."""

from migrations.script import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run("0002_courses.sql")


def downgrade() -> None:
    run("0002_courses.down.sql")
