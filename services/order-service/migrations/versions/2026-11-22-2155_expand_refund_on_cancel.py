"""Whether an account's buyers get their money back when we cancel.

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
-- Platforms that can are asked to refund what we cancel; money never moves unless a person has said so.
alter table account add column refund_on_cancel boolean not null default false;
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
