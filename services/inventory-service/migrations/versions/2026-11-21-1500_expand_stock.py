"""The catalogue, the ledger and its levels, orders and what is promised to them, exceptions."""

from alembic import op

from crossdock_chassis.migrations import install_chassis_schema, run_script

revision = "2026_11_21_1500"
down_revision = None
branch_labels = None
depends_on = None

CATALOGUE = """
create table warehouse (
    merchant_id text not null,
    code text not null check (length(code) between 1 and 64),
    name text not null,
    company text,
    address_lines text[] not null,
    city text not null,
    province text,
    postal_code text,
    country text not null check (country ~ '^[A-Z]{2}$'),
    phone text,
    email text,
    time_zone text not null,
    cut_off text not null check (cut_off ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
    hand_over text not null check (hand_over in ('automatic', 'manual')),
    priority integer not null,
    serves text[],
    active boolean not null,
    updated_at timestamptz not null default statement_timestamp(),
    primary key (merchant_id, code)
);
comment on column warehouse.serves is 'destination countries; null: every country';
comment on column warehouse.priority is 'lower is preferred';

create table sku (
    merchant_id text not null,
    sku text not null check (length(sku) between 1 and 128),
    title text not null,
    weight_g integer check (weight_g > 0),
    length_mm integer check (length_mm > 0),
    width_mm integer check (width_mm > 0),
    height_mm integer check (height_mm > 0),
    hs_code text check (hs_code ~ '^[0-9]{6,10}$'),
    origin_country text check (origin_country ~ '^[A-Z]{2}$'),
    customs_description text,
    battery text not null check (battery in ('none', 'contained', 'packed_with', 'loose')),
    active boolean not null,
    updated_at timestamptz not null default statement_timestamp(),
    primary key (merchant_id, sku)
);

-- One row per SKU ever named, also in orders before anybody entered it. Whoever changes a level of the SKU or
-- what waits for it locks this row first, so it also covers levels that do not exist yet.
create table sku_stream (
    merchant_id text not null,
    sku text not null,
    version bigint not null default 0,
    primary key (merchant_id, sku)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on column sku_stream.version is 'aggregate version of the SKU''s newest event';

create table catalogue_change (
    change_id uuid primary key,
    merchant_id text not null,
    kind text not null check (kind in ('warehouse', 'sku')),
    code text not null,
    content jsonb not null,
    actor_kind text not null,
    actor_name text not null,
    reason text,
    at timestamptz not null default statement_timestamp()
);
create index catalogue_change_of on catalogue_change (merchant_id, kind, code, change_id);
"""

STOCK = """
create table stock_level (
    merchant_id text not null,
    sku text not null,
    warehouse text not null,
    lot text not null default '-',
    condition text not null default 'sellable',
    on_hand integer not null default 0 check (on_hand >= 0),
    reserved integer not null default 0 check (reserved >= 0),
    short integer not null default 0 check (short >= 0),
    primary key (merchant_id, sku, warehouse, lot, condition),
    foreign key (merchant_id, sku) references sku,
    foreign key (merchant_id, warehouse) references warehouse,
    constraint promised_is_there check (reserved <= on_hand + short)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index stock_level_by_warehouse on stock_level (merchant_id, warehouse, sku);

create table stock_movement (
    movement_id uuid primary key,
    merchant_id text not null,
    sku text not null,
    warehouse text not null,
    lot text not null,
    condition text not null,
    kind text not null check (kind in ('receipt', 'adjustment', 'shipped', 'return')),
    units integer not null check (units <> 0),
    reference text,
    allocation_id uuid,
    actor_kind text not null,
    actor_name text not null,
    reason text,
    cause_event_id uuid,
    at timestamptz not null default statement_timestamp()
);
create index stock_movement_of_level on stock_movement (merchant_id, sku, warehouse, movement_id);
create index stock_movement_newest on stock_movement (merchant_id, movement_id);
create unique index stock_movement_once_per_parcel on stock_movement (reference, allocation_id, kind)
    where kind in ('shipped', 'return');
create unique index stock_movement_once_per_receipt
    on stock_movement (merchant_id, reference, sku, warehouse, lot, condition) where kind = 'receipt';
"""

ORDERS = """
create table stock_order (
    order_id uuid primary key,
    merchant_id text not null,
    seen_version bigint not null default 0,
    state text not null default 'unknown'
        check (state in ('unknown', 'open', 'held', 'cancelling', 'cancelled', 'closed')),
    policy text not null default 'all_or_nothing' check (policy in ('all_or_nothing', 'split', 'backorder')),
    country text,
    placed_at timestamptz,
    ship_by timestamptz,
    reserve_until timestamptz,
    expired boolean not null default false,
    answered_version bigint not null default 0,
    cancel_version bigint,
    aggregate_version bigint not null default 0,
    allocation_version bigint not null default 0
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on column stock_order.cancel_version is 'a cancel that shipping has still to answer';

create table order_line (
    order_id uuid not null,
    line_id uuid not null,
    merchant_id text not null,
    position integer not null,
    sku text,
    units integer not null check (units >= 0),
    waiting integer not null default 0 check (waiting >= 0),
    ship_by timestamptz,
    placed_at timestamptz not null,
    primary key (order_id, line_id)
);
create index order_line_waiting on order_line (merchant_id, sku, ship_by, placed_at, order_id)
    where waiting > 0;

create table allocation (
    allocation_id uuid primary key,
    order_id uuid not null,
    line_id uuid not null,
    merchant_id text not null,
    sku text not null,
    warehouse text not null,
    units integer not null check (units > 0),
    consumed integer not null default 0 check (consumed between 0 and units),
    state text not null
        check (state in ('reserved', 'published', 'withdrawing', 'consumed', 'released', 'expired')),
    refused boolean not null default false,
    created_at timestamptz not null default statement_timestamp(),
    ended_at timestamptz,
    check ((state in ('consumed', 'released', 'expired')) = (ended_at is not null)),
    check (state <> 'consumed' or consumed = units)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
comment on column allocation.refused is 'shipping said that it cannot be stopped any more';
create index allocation_of_order on allocation (order_id);
create index allocation_live on allocation (merchant_id, sku, warehouse)
    where state in ('reserved', 'published', 'withdrawing');

create table allocation_history (
    allocation_id uuid not null,
    n bigint generated always as identity,
    state text not null,
    consumed integer not null,
    actor_kind text not null,
    actor_name text not null,
    reason text,
    cause_event_id uuid,
    at timestamptz not null default statement_timestamp(),
    primary key (allocation_id, n)
);
"""

EXCEPTIONS = """
create table stock_exception (
    exception_id uuid primary key,
    merchant_id text not null,
    kind text not null,
    reference text not null,
    order_id uuid,
    sku text,
    warehouse text,
    text text not null,
    next_step text not null,
    state text not null default 'open' check (state in ('open', 'resolved')),
    cause_event_id uuid,
    opened_at timestamptz not null default statement_timestamp(),
    resolved_at timestamptz,
    resolved_by text,
    resolution text,
    check ((state = 'resolved') = (resolved_at is not null))
);
create unique index stock_exception_open_once on stock_exception (merchant_id, kind, reference)
    where state = 'open';
create index stock_exception_listed on stock_exception (merchant_id, state, exception_id);
"""

# The role that runs the service is named after the one that migrates: X_owner, X_app.
APPEND_ONLY = """
do $$
declare
    app text := replace(current_user, '_owner', '_app');
begin
    if app <> current_user and exists (select from pg_roles where rolname = app) then
        execute format('revoke update, delete, truncate '
                       'on stock_movement, allocation_history, catalogue_change from %I', app);
    end if;
end $$;
"""


def upgrade() -> None:
    install_chassis_schema(op.get_bind())
    for script in (CATALOGUE, STOCK, ORDERS, EXCEPTIONS, APPEND_ONLY):
        run_script(op.get_bind(), script)
