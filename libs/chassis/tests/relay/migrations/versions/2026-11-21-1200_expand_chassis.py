"""What the chassis needs, and an aggregate for events to speak of."""

from alembic import op

from crossdock_chassis.migrations import install_chassis_schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    install_chassis_schema(op.get_bind())
    op.execute("create table aggregate (order_id uuid primary key, version integer not null default 0)")
