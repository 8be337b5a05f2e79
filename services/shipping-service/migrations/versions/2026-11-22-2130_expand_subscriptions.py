"""Why pushed news of a number could not be asked for, and when it is tried again.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

from crossdock_chassis.migrations import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = """
alter table followed_parcel
    add column not_subscribed text,
    add column subscribe_failures integer not null default 0,
    add column subscribe_at timestamptz;
alter table onward_number
    add column not_subscribed text,
    add column subscribe_failures integer not null default 0,
    add column subscribe_at timestamptz;
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
