"""The chassis's tables."""

from alembic import op

from crossdock_chassis.migrations import install_chassis_schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    install_chassis_schema(op.get_bind())
