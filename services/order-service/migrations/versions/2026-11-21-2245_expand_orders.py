"""Orders, their raw messages, accounts, the SKU map, obligations, exceptions and the timeline.

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
-- A seller's account on one marketplace. Deactivated, never deleted. `account` stands in the address of the
-- webhook, which names no merchant, so it is unique over all of them; so is the shop, or it would ship twice.
create table account (
    merchant_id text not null,
    account text not null,
    platform text not null,
    shop_ref text not null,
    api_base_url text,
    sealed_secrets bytea not null,
    policy text not null check (policy in ('all_or_nothing', 'split', 'backorder')),
    label_source text not null default 'carrier' check (label_source in ('carrier', 'marketplace')),
    ship_by_days integer not null check (ship_by_days between 0 and 60),
    domestic_countries text[] not null,
    may_write boolean not null,
    incoterm text check (incoterm in ('DAP', 'DDP')),
    unpaid_hours integer not null check (unpaid_hours between 1 and 720),
    active boolean not null default true,
    created_at timestamptz not null default crossdock_now(),
    updated_at timestamptz not null default crossdock_now(),
    primary key (merchant_id, account),
    unique (platform, account),
    unique (platform, shop_ref)
);

-- What a marketplace's SKU is made of: [{"sku": ..., "units": ...}].
create table sku_map (
    merchant_id text not null,
    account text not null,
    external_sku text not null,
    components jsonb not null check (jsonb_array_length(components) between 1 and 50),
    updated_at timestamptz not null default crossdock_now(),
    primary key (merchant_id, account, external_sku),
    foreign key (merchant_id, account) references account
);

-- Our SKUs as inventory-service last told of them.
create table sku (
    merchant_id text not null,
    sku text not null,
    version bigint not null,
    active boolean not null,
    hs_code text,
    origin_country text,
    customs_description text,
    primary key (merchant_id, sku)
);

-- What came in, untouched. The same delivery twice is one row.
create table inbound_message (
    message_id uuid primary key,
    merchant_id text not null,
    platform text not null,
    account text not null,
    dedupe_key text not null,
    topic text not null,
    headers jsonb not null,
    body bytea,
    body_sha256 bytea not null,
    received_at timestamptz not null default crossdock_now(),
    state text not null check (state in ('imported', 'unchanged', 'stale', 'fetching', 'ignored', 'failed')),
    error text,
    order_id uuid,
    personal_until timestamptz not null,
    unique (merchant_id, platform, account, dedupe_key)
);
create index inbound_message_newest on inbound_message (merchant_id, message_id);
create index inbound_message_failed on inbound_message (merchant_id, message_id) where state in ('failed',
'fetching');
create index inbound_message_order on inbound_message (order_id) where order_id is not null;
create index inbound_message_personal on inbound_message (personal_until) where body is not null;

create table orders (
    order_id uuid primary key,
    merchant_id text not null,
    account text not null,
    platform text not null,
    shop_ref text not null,
    external_id text not null,
    order_number text not null,
    placed_at timestamptz not null,
    imported_at timestamptz not null default crossdock_now(),
    updated_at timestamptz not null default crossdock_now(),
    status text not null check (status in ('open', 'held', 'cancelling', 'cancelled', 'closed')),
    version bigint not null check (version >= 0),
    label_revision integer not null check (label_revision >= 1),
    hold_reasons text[] not null,
    progress text[] not null,
    skus text[] not null,
    waiting_skus text[] not null,
    content jsonb not null,
    people jsonb,
    terms jsonb not null,
    lines jsonb not null,
    process jsonb not null,
    platform_updated_at timestamptz not null,
    fingerprint text not null,
    ship_to_fingerprint text not null,
    personal_until timestamptz not null,
    unique (platform, shop_ref, external_id),
    foreign key (merchant_id, account) references account
) with (fillfactor = 80);
create index orders_newest on orders (merchant_id, order_id);
create index orders_ref on orders (merchant_id, external_id);
create index orders_number on orders (merchant_id, order_number);
create index orders_placed on orders (merchant_id, placed_at);
create index orders_status on orders (merchant_id, status, order_id) where status in ('held', 'cancelling');
create index orders_skus on orders using gin (skus) with (fastupdate = on);
create index orders_waiting on orders using gin (waiting_skus) where waiting_skus <> '{}';
create index orders_personal on orders (personal_until) where people is not null;

-- The timeline: append-only. No personal data.
create table order_history (
    n bigint generated always as identity,
    order_id uuid not null,
    merchant_id text not null,
    at timestamptz not null,
    what text not null,
    detail text,
    actor_kind text not null,
    actor_name text not null,
    reason text,
    version bigint not null,
    cause_event_id uuid,
    correlation_id uuid,
    primary key (order_id, n)
);

-- What we owe a marketplace. One per thing owed; pursued by a job until the platform has confirmed it.
create table obligation (
    obligation_id uuid primary key,
    merchant_id text not null,
    order_id uuid not null references orders,
    kind text not null check (kind in ('tracking', 'label')),
    subject text not null,
    platform text not null,
    account text not null,
    state text not null default 'open' check (state in ('open', 'confirmed', 'refused', 'needs_person')),
    deadline_at timestamptz not null,
    details jsonb not null,
    confirmed_ref text,
    last_error text,
    created_at timestamptz not null default crossdock_now(),
    updated_at timestamptz not null default crossdock_now(),
    unique (merchant_id, kind, subject)
);
create index obligation_order on obligation (order_id);
create index obligation_open on obligation (merchant_id, deadline_at) where state <> 'confirmed';

-- What a person has to see. One open row per order, code and subject.
create table order_exception (
    exception_id uuid primary key,
    merchant_id text not null,
    order_id uuid not null,
    code text not null,
    subject text not null,
    detail text,
    owner text not null,
    next_step text not null,
    raised_at timestamptz not null default crossdock_now(),
    resolved_at timestamptz,
    resolved_by text,
    resolution text
);
create unique index order_exception_open on order_exception (merchant_id, order_id, code, subject)
    where resolved_at is null;
create index order_exception_newest on order_exception (merchant_id, exception_id) where resolved_at is null;

-- Events that came too early; offered again after each transition of their order.
create table deferred_event (
    order_id uuid not null,
    event_id uuid not null,
    merchant_id text not null,
    type text not null,
    payload jsonb not null,
    source text not null,
    time timestamptz not null,
    correlation_id uuid not null,
    since timestamptz not null default crossdock_now(),
    primary key (order_id, event_id)
);

do $$
declare
    app text := replace(current_user, '_owner', '_app');
begin
    if exists (select from pg_roles where rolname = app) then
        execute format('revoke update, delete, truncate on order_history from %I', app);
        execute format('revoke delete, truncate on account, orders, order_exception, obligation from %I',
        app);
    end if;
end $$;
"""


def upgrade() -> None:
    install_chassis_schema(op.get_bind())
    run_script(op.get_bind(), SCHEMA)
