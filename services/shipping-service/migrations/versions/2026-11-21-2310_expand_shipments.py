"""Orders as shipping knows them, shipments, labels, documents, rules, exceptions and the timeline.

Revision ID: 0001
Revises:
"""

from alembic import op

from crossdock_chassis.migrations import install_chassis_schema, run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = """
-- One row per order, locked by every decision about it. Without a snapshot (`version` null) it only waits.
create table known_order (
    order_id uuid primary key,
    merchant_id text not null,
    version bigint,
    label_revision integer,
    state text check (state in ('open', 'held', 'cancelling', 'cancelled', 'closed')),
    from_marketplace boolean,
    country text,
    has_address boolean,
    shipping_method text,
    incoterm text,
    order_number text,
    lines jsonb,
    allocation_version bigint not null default 0,
    cancel_version bigint not null default 0,
    said_version bigint not null default 0,
    updated_at timestamptz not null default crossdock_now(),
    check ((version is null) = (state is null))
) with (fillfactor = 80);

-- The people: the only table besides the label documents that holds personal data.
create table consignee (
    order_id uuid primary key references known_order,
    merchant_id text not null,
    version bigint not null,
    consignee jsonb not null,
    personal_until timestamptz not null
);
create index consignee_personal on consignee (personal_until);

create table shipping_rule (
    rule_id uuid primary key,
    merchant_id text not null,
    priority integer not null check (priority between 0 and 1000000),
    name text not null,
    conditions jsonb not null,
    carrier text not null,
    service text not null,
    active boolean not null default true,
    updated_at timestamptz not null default crossdock_now()
);
create index shipping_rule_order on shipping_rule (merchant_id, priority, rule_id);

create table shipment (
    shipment_id uuid primary key,
    merchant_id text not null,
    order_id uuid not null references known_order,
    warehouse text not null,
    origin jsonb not null,
    state text not null check (state in ('planned', 'buying', 'outcome_unknown', 'labelled', 'handed_over',
                                         'cancelling', 'cancelled', 'needs_repair', 'closed')),
    wish text check (wish in ('cancel', 'withdraw', 'change')),
    order_version bigint not null,
    label_revision integer not null,
    plan_revision integer not null,
    carrier text,
    service text,
    repaired_carrier text,
    repaired_service text,
    rule_id uuid,
    tried jsonb not null,
    trouble_code text,
    trouble_field text,
    planned_at timestamptz not null,
    handed_over_at timestamptz,
    updated_at timestamptz not null default crossdock_now(),
    check ((handed_over_at is not null) = (state in ('handed_over', 'closed')))
) with (fillfactor = 70);
create index shipment_order on shipment (order_id);
create index shipment_newest on shipment (merchant_id, shipment_id);
create index shipment_open on shipment (merchant_id, state, shipment_id)
    where state not in ('handed_over', 'cancelled', 'closed');
create index shipment_warehouse on shipment (merchant_id, warehouse, shipment_id);

-- `box`: what a person measured, where they did.
create table parcel (
    parcel_id uuid primary key,
    merchant_id text not null,
    shipment_id uuid not null references shipment,
    number integer not null check (number >= 1),
    box jsonb,
    unique (shipment_id, number)
);

-- An allocation is planned once, for good: its id is the key.
create table item (
    allocation_id uuid primary key,
    merchant_id text not null,
    shipment_id uuid not null references shipment,
    parcel_id uuid not null references parcel,
    line_id uuid not null,
    sku text not null,
    units integer not null check (units >= 1),
    facts jsonb not null,
    unit_value numeric,
    currency text,
    external_line_ids text[] not null,
    state text not null check (state in ('packed', 'withdrawing', 'cancelled', 'kept'))
);
create index item_shipment on item (shipment_id);

create table label (
    label_id uuid primary key,
    merchant_id text not null,
    shipment_id uuid not null references shipment,
    parcel_id uuid not null references parcel,
    number integer not null check (number >= 1),
    state text not null check (state in ('asked', 'paying', 'unknown', 'bought', 'rejected', 'dropped',
                                         'void_pending', 'void_submitted', 'voided', 'abandoned')),
    carrier text not null,
    service text not null,
    plan_revision integer not null,
    label_revision integer not null,
    order_version bigint not null,
    weight_g integer not null check (weight_g >= 1),
    asked_at timestamptz not null,
    carrier_ref text,
    carried_by text,
    carried_as text,
    tracking_number text,
    tracking_url text,
    cost_minor bigint,
    cost_currency text,
    cost_exponent integer,
    tracker_ref text,
    document_id uuid,
    bought_at timestamptz,
    lost_at timestamptz,
    void_checks integer not null default 0,
    void_code text,
    voided_at timestamptz,
    unique (shipment_id, number),
    check (state <> 'bought' or (tracking_number is not null and document_id is not null))
) with (fillfactor = 70);
-- Nothing is bought twice: whatever the code believes, a parcel has one label that is wanted or paid.
create unique index label_live on label (parcel_id) where state in ('asked', 'paying', 'unknown', 'bought');
create index label_tracking on label (merchant_id, tracking_number) where tracking_number is not null;
create index label_voiding on label (merchant_id, state)
    where state in ('void_pending', 'void_submitted', 'abandoned');

-- A label shows the consignee; its bytes go when their time is over, the hash stays.
create table document (
    document_id uuid primary key,
    merchant_id text not null,
    shipment_id uuid not null references shipment,
    label_id uuid not null references label,
    kind text not null,
    media_type text not null,
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes integer not null check (size_bytes between 1 and 8388608),
    content bytea,
    created_at timestamptz not null default crossdock_now(),
    personal_until timestamptz not null
);
create index document_shipment on document (shipment_id);
create index document_personal on document (personal_until) where content is not null;

-- The timeline: append-only. No personal data.
create table shipment_history (
    n bigint generated always as identity,
    order_id uuid not null,
    shipment_id uuid,
    merchant_id text not null,
    at timestamptz not null default statement_timestamp(),
    what text not null,
    detail text,
    actor_kind text not null,
    actor_name text not null,
    reason text,
    cause_event_id uuid,
    correlation_id uuid,
    primary key (order_id, n)
);
create index shipment_history_shipment on shipment_history (shipment_id, n);

-- What a person has to look at. One open row per order, code and subject.
create table shipment_exception (
    exception_id uuid primary key,
    merchant_id text not null,
    order_id uuid not null,
    shipment_id uuid,
    code text not null,
    subject text not null,
    detail text,
    raised_at timestamptz not null default crossdock_now(),
    resolved_at timestamptz,
    resolved_by text,
    resolution text
);
create unique index shipment_exception_open on shipment_exception (order_id, code, subject)
    where resolved_at is null;
create index shipment_exception_newest on shipment_exception (merchant_id, exception_id)
    where resolved_at is null;
create index shipment_exception_shipment on shipment_exception (shipment_id) where resolved_at is null;

-- Events that came before what they need; offered again after each transition of their order.
create table deferred_event (
    event_id uuid primary key,
    merchant_id text not null,
    order_id uuid not null references known_order,
    event_type text not null,
    source text not null,
    event_time timestamptz not null,
    correlation_id uuid not null,
    causation_id uuid,
    traceparent text,
    payload jsonb not null,
    deferred_at timestamptz not null default crossdock_now()
);
create index deferred_event_order on deferred_event (order_id);
create index deferred_event_age on deferred_event (deferred_at);

do $$
declare
    app text := replace(current_user, '_owner', '_app');
begin
    if exists (select from pg_roles where rolname = app) then
        execute format('revoke update, delete on shipment_history from %I', app);
        execute format('revoke delete on known_order, shipment, item, parcel, label, document, '
                       'shipment_exception from %I', app);
    end if;
end $$;
"""


def upgrade() -> None:
    connection = op.get_bind()
    install_chassis_schema(connection)
    run_script(connection, SCHEMA)
