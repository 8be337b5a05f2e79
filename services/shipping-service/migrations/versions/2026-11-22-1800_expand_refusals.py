"""What carriers say when they refuse: what mends it, and their words until their time is over.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

from crossdock_chassis.migrations import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = """
alter table label
    add column refusal_code text,
    add column refusal_field text,
    add column remedy text check (remedy in ('fix_address', 'fix_customs', 'fix_account', 'try_later',
                                             'choose_another_service', 'untranslated')),
    add column put_off_at timestamptz;
alter table shipment add column trouble_remedy text;
create index label_asked on label (carrier, label_id) where state = 'asked';

-- A carrier's own words repeat names and addresses; the newest of each label.
create table refusal_words (
    label_id uuid primary key references label,
    merchant_id text not null,
    words text check (length(words) between 1 and 2000),
    personal_until timestamptz not null
);
create index refusal_words_personal on refusal_words (personal_until) where words is not null;
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
