"""model stops: see sql/0013_model_stops.sql."""

from migrations.script import run

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run("0013_model_stops.sql")


def downgrade() -> None:
    run("0013_model_stops.down.sql")
