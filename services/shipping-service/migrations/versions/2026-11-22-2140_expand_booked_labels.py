"""Since when a carrier has a label booked that it has not made yet.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

from crossdock_chassis.migrations import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = """
alter table label add column booked_at timestamptz;
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
