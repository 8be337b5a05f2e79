"""Followed parcels with their scans, and what carriers push.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

from crossdock_chassis.migrations import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = """
-- A label's parcel under way, as its tracker tells. Decided about under the lock of its order's row.
-- `alarms`: what holds and has been shown to people; `next_poll_at` null: it is not asked about any more.
create table followed_parcel (
    label_id uuid primary key,
    merchant_id text not null,
    order_id uuid not null,
    shipment_id uuid not null references shipment,
    parcel_id uuid not null,
    tracker text not null,
    tracking_number text not null,
    tracker_ref text,
    carried_by text,
    subscribed boolean not null,
    origin text not null,
    destination text,
    labelled_at timestamptz not null,
    status text not null,
    reason text,
    since timestamptz,
    heard_at timestamptz,
    pushed_at timestamptz,
    alarms text[] not null,
    failures integer not null,
    last_error text,
    next_poll_at timestamptz,
    updated_at timestamptz not null default crossdock_now()
) with (fillfactor = 70);
create index followed_parcel_due on followed_parcel (tracker, next_poll_at) where next_poll_at is not null;
create index followed_parcel_number on followed_parcel (tracker, tracking_number);
create index followed_parcel_shipment on followed_parcel (shipment_id);

-- One tracking event. Its identity keeps repeats out; what it means is the carrier's table of the day.
create table scan (
    scan_id uuid primary key,
    merchant_id text not null,
    label_id uuid not null references followed_parcel,
    n integer not null,
    identity bytea not null,
    tracking_number text not null,
    piece text,
    raw_code text not null,
    kind text not null check (kind in ('status', 'info', 'reversal')),
    status text,
    reason text,
    milestone text,
    sure boolean not null,
    undoes text[] not null,
    at timestamptz not null,
    occurred_at timestamptz,
    local_time text not null,
    utc_offset text,
    city text,
    country text,
    stretch text,
    taken_at timestamptz not null default crossdock_now(),
    unique (label_id, identity),
    check ((status is not null) = (kind = 'status'))
);
create index scan_way on scan (label_id, at, n);
create index scan_unknown on scan (raw_code) where status = 'unknown';

-- The carrier's own words. They may name who signed, so they go when their time is over.
create table scan_text (
    scan_id uuid primary key references scan,
    merchant_id text not null,
    raw_text text not null check (length(raw_text) <= 500),
    personal_until timestamptz not null
);
create index scan_text_personal on scan_text (personal_until);

-- What carriers pushed, proven and untouched, until a worker has read it; whose it is, its parcels tell.
create table carrier_message (
    message_id uuid primary key,
    carrier text not null,
    dedupe_key text not null,
    body bytea not null,
    state text not null check (state in ('received', 'read', 'failed')),
    error text,
    received_at timestamptz not null default crossdock_now(),
    personal_until timestamptz not null,
    unique (carrier, dedupe_key)
);
create index carrier_message_waiting on carrier_message (received_at) where state = 'received';
create index carrier_message_personal on carrier_message (personal_until);

do $$
declare
    app text := replace(current_user, '_owner', '_app');
begin
    if exists (select from pg_roles where rolname = app) then
        execute format('revoke delete on followed_parcel, scan from %I', app);
    end if;
end $$;
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
