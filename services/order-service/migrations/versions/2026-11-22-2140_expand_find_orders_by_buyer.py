"""Orders are found by the buyer's name, whom their platform wants forgotten.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: What an earlier try has left behind, which is not valid.
AGAIN = "drop index concurrently if exists orders_buyer"
SCHEMA = """
create index concurrently orders_buyer
    on orders (merchant_id, hashtextextended(people -> 'buyer' ->> 'name', 0)) where people is not null
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(AGAIN)
        op.execute(SCHEMA)
