"""A table of the service's own, made slowly enough for a second runner to come."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("create table thing (n integer)")
    op.execute("select pg_sleep(0.3)")
