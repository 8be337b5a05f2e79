"""What calls to platforms need: an account's own options, its tokens, its quotas, how far it was polled.

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
-- `options`: what the platform's folder asks for that is no secret.
alter table account add column options jsonb not null default '{}';

-- The tokens that run out, sealed. Apart from the account, so that the one who refreshes them and the one who
-- changes the account do not overwrite each other. `version` counts the pairs, so that each is replaced once.
-- `refreshed_at`: when we bought the pair, if we did. `refused_because`: the platform sells no more of them,
-- until a person authorises us anew.
create table account_token (
    merchant_id text not null,
    account text not null,
    version integer not null default 0,
    sealed bytea,
    expires_at timestamptz,
    refreshed_at timestamptz,
    refused_because text,
    updated_at timestamptz not null default crossdock_now(),
    primary key (merchant_id, account),
    foreign key (merchant_id, account) references account
);
create index account_token_expiring on account_token (expires_at);
create index account_token_refused on account_token (updated_at) where refused_because is not null;

-- The newest check of an account's credentials; without an end it is still under way.
create table account_check (
    merchant_id text not null,
    account text not null,
    check_id uuid not null,
    asked_at timestamptz not null default crossdock_now(),
    ended_at timestamptz,
    trouble text,
    primary key (merchant_id, account),
    foreign key (merchant_id, account) references account
);

-- Of a message: the order that has to be fetched for it. All that name one order are answered by one fetch.
alter table inbound_message add column external_id text;
create index inbound_message_fetching on inbound_message (merchant_id, account, external_id)
    where state = 'fetching';

-- A token bucket per account and operation: so many calls were left at that time.
create table account_quota (
    merchant_id text not null,
    account text not null,
    operation text not null,
    calls_left double precision not null,
    counted_at timestamptz not null,
    learned_rate_per_s double precision check (learned_rate_per_s > 0),
    primary key (merchant_id, account, operation),
    foreign key (merchant_id, account) references account
);

-- What has flowed into a bucket since it was counted, up to its brim.
create function quota_left(calls_left double precision, counted_at timestamptz, rate_per_s double precision,
                           burst double precision) returns double precision language sql volatile as $$
    select least(burst, calls_left + extract(epoch from clock_timestamp() - counted_at) * rate_per_s)
$$;

-- What an account's platform is asked again and again, and how far that has come. `changes`: what has
-- changed, for ever; `backfill`: the same of one span, until `ends_at`, because a person wants it; `queue`:
-- what waits in its queue. Everything before `read_until` was read. `span_until`, `cursor`, `pages`: the span
-- that is being read, its next page and how many were read. Without `next_at` it is over. Each step moves
-- `next_at`, so who finds it as it was is the first.
create table account_poll (
    poll_id uuid primary key,
    merchant_id text not null,
    account text not null,
    way text not null check (way in ('changes', 'backfill', 'queue')),
    read_until timestamptz not null,
    ends_at timestamptz,
    span_until timestamptz,
    cursor text,
    pages integer not null default 0,
    found bigint not null default 0,
    next_at timestamptz,
    failures integer not null default 0,
    last_error text,
    created_at timestamptz not null default crossdock_now(),
    foreign key (merchant_id, account) references account,
    check ((way = 'backfill') = (ends_at is not null))
);
create unique index account_poll_standing on account_poll (merchant_id, account, way) where way <> 'backfill';
create index account_poll_account on account_poll (merchant_id, account, created_at);
create index account_poll_due on account_poll (next_at) where next_at is not null;
create index account_poll_failing on account_poll (read_until) where failures > 0 and next_at is not null;
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
