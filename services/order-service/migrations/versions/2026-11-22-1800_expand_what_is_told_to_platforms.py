"""What is told to platforms: numbers of stock, cancels of ours; labels that are not wanted any more.

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
-- A level as inventory-service last told of it; `version` counts per merchant and SKU.
create table stock_level (
    merchant_id text not null,
    sku text not null,
    warehouse text not null,
    lot text not null,
    condition text not null,
    version bigint not null,
    available_to_promise integer not null,
    primary key (merchant_id, sku, warehouse, lot, condition)
);

-- How an account's platform is told of stock; an account without a row is told nothing. `warehouses` null:
-- all count. `round`: of the job that tells the numbers; there is one at a time, and each asks for the next.
create table stock_dial (
    merchant_id text not null,
    account text not null,
    enabled boolean not null,
    warehouses text[],
    percent integer not null check (percent between 0 and 100),
    buffer integer not null check (buffer >= 0),
    stop_at integer not null check (stop_at >= 0),
    most integer check (most >= 0),
    round bigint not null default 1,
    updated_at timestamptz not null default crossdock_now(),
    primary key (merchant_id, account),
    foreign key (merchant_id, account) references account
);

-- What an account sells. `dirty_since`: something has changed since `wanted` was worked out. `wanted` that is
-- not `told` is on its way, or was refused.
create table stock_listing (
    merchant_id text not null,
    account text not null,
    external_sku text not null,
    dirty_since timestamptz,
    wanted integer,
    told integer,
    told_at timestamptz,
    refused text,
    waits boolean generated always as
        (dirty_since is not null or (wanted is distinct from told and refused is null)) stored,
    primary key (merchant_id, account, external_sku),
    foreign key (merchant_id, account) references account
);
create index stock_listing_by_sku on stock_listing (merchant_id, external_sku);
create index stock_listing_waiting on stock_listing (merchant_id, account, dirty_since) where waits;
create index stock_listing_refused on stock_listing (told_at) where refused is not null;
create index sku_map_components on sku_map using gin (components jsonb_path_ops);

insert into stock_listing (merchant_id, account, external_sku)
select merchant_id, account, external_sku from sku_map
union
select merchant_id, account, line ->> 'external_sku' from orders, jsonb_array_elements(lines) line
where line ->> 'external_sku' is not null;

alter table obligation drop constraint obligation_kind_check,
    add constraint obligation_kind_check check (kind in ('tracking', 'label', 'cancel'));
alter table obligation drop constraint obligation_state_check,
    add constraint obligation_state_check
        check (state in ('open', 'confirmed', 'refused', 'needs_person', 'withdrawn'));
drop index obligation_open;
create index obligation_open on obligation (merchant_id, deadline_at)
    where state not in ('confirmed', 'withdrawn');
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
