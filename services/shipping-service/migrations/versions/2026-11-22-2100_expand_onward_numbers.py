"""Numbers under which parcels go on.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

from crossdock_chassis.migrations import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = """
-- Another number of a followed parcel, told by whoever follows it. Decided about under the lock of its
-- order's row. `tracker` null: nobody tells of it, it is only shown.
create table onward_number (
    label_id uuid not null references followed_parcel,
    tracking_number text not null,
    merchant_id text not null,
    shipment_id uuid not null references shipment,
    carried_by text,
    tracker text,
    tracker_ref text,
    subscribed boolean not null,
    pushed_at timestamptz,
    failures integer not null,
    last_error text,
    next_poll_at timestamptz,
    told_at timestamptz not null default crossdock_now(),
    updated_at timestamptz not null default crossdock_now(),
    primary key (label_id, tracking_number)
);
create index onward_number_due on onward_number (tracker, next_poll_at) where next_poll_at is not null;
create index onward_number_number on onward_number (tracker, tracking_number);
create index onward_number_shipment on onward_number (shipment_id);

do $$
declare
    app text := replace(current_user, '_owner', '_app');
begin
    if exists (select from pg_roles where rolname = app) then
        execute format('revoke delete on onward_number from %I', app);
    end if;
end $$;
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
