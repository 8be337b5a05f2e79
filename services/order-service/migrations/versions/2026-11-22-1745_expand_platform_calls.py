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
-- changes the account do not overwrite each other.
create table account_token (
    merchant_id text not null,
    account text not null,
    sealed bytea not null,
    expires_at timestamptz not null,
    updated_at timestamptz not null default crossdock_now(),
    primary key (merchant_id, account),
    foreign key (merchant_id, account) references account
);
create index account_token_expiring on account_token (expires_at);

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

-- How far an account's platform was asked what has changed. `cursor`: within the span that is being read.
create table account_poll (
    merchant_id text not null,
    account text not null,
    read_until timestamptz not null,
    span_until timestamptz,
    cursor text,
    next_at timestamptz not null,
    primary key (merchant_id, account),
    foreign key (merchant_id, account) references account
);
create index account_poll_due on account_poll (next_at);
"""


def upgrade() -> None:
    run_script(op.get_bind(), SCHEMA)
