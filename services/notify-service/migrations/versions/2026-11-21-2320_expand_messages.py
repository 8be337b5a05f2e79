"""Orders and parcels as they were told of, messages, their log, what waits for its order, preferences.

Revision ID: 0001
Revises:
"""

from alembic import op

from crossdock_chassis.migrations import install_chassis_schema, run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KNOWN = """
-- Whom an order's messages go to and what they tell, as the newest snapshot said. `version` 0: no snapshot
-- yet, the row is there to be locked. `said` counts the events published about the order.
create table known_order (
    order_id uuid primary key,
    merchant_id text not null,
    version bigint not null default 0,
    state text not null default 'unknown',
    ever_open boolean not null default false,
    holds text[] not null default '{}',
    account text,
    order_number text,
    placed_at timestamptz,
    total jsonb,
    lines jsonb not null default '[]',
    buyer_name text,
    email text,
    locale text,
    may_write boolean not null default true,
    personal_until timestamptz,
    said bigint not null default 0,
    updated_at timestamptz not null default crossdock_now()
);
create index known_order_personal on known_order (personal_until)
    where email is not null or buyer_name is not null;

create table parcel (
    parcel_id uuid primary key,
    merchant_id text not null,
    order_id uuid not null,
    carrier text not null,
    service text not null,
    tracking_number text not null,
    tracking_url text,
    contents jsonb not null,
    shipped_at timestamptz,
    delivered_at timestamptz
);
create index parcel_of_order on parcel (order_id);

-- What is to be told of an order that no snapshot has told us of yet.
create table deferred_telling (
    order_id uuid not null references known_order,
    template text not null,
    subject text not null,
    merchant_id text not null,
    facts jsonb not null,
    cause_event_id uuid,
    correlation_id uuid,
    traceparent text,
    deferred_at timestamptz not null default crossdock_now(),
    primary key (order_id, template, subject)
);
"""

MESSAGES = """
-- One message to one recipient. The unique key is what makes it said once; a person's wish to say it again
-- is the next revision. `sending` is committed before the message is handed over.
create table message (
    message_id uuid primary key,
    merchant_id text not null,
    order_id uuid not null references known_order,
    template text not null,
    subject text not null,
    channel text not null,
    revision integer not null check (revision >= 1),
    state text not null check (state in (
        'waiting', 'sending', 'sent', 'failed', 'suppressed', 'outcome_unknown', 'replaced')),
    code text,
    locale text,
    facts jsonb not null,
    attempts integer not null default 0,
    attempt_started_at timestamptz,
    waiting_since timestamptz not null default crossdock_now(),
    sent_at timestamptz,
    server_reply text,
    created_at timestamptz not null default crossdock_now(),
    updated_at timestamptz not null default crossdock_now(),
    unique (merchant_id, order_id, template, subject, channel, revision),
    check (state <> 'sending' or attempt_started_at is not null)
);
create index message_listed on message (merchant_id, message_id desc);
create index message_of_order on message (order_id);
create index message_open on message (merchant_id, state, message_id desc)
    where state in ('outcome_unknown', 'failed');

-- Everything that ever happened to a message, append-only.
create table delivery_log (
    n bigint generated always as identity primary key,
    merchant_id text not null,
    message_id uuid not null references message,
    at timestamptz not null default statement_timestamp(),
    what text not null,
    code text,
    attempt integer not null,
    actor_kind text not null,
    actor_name text not null,
    reason text,
    cause_event_id uuid
);
create index delivery_log_of_message on delivery_log (message_id, n);
"""

PREFERENCES = """
-- How a shop signs: per account, and '*' for all the others of the merchant.
create table sender_profile (
    merchant_id text not null,
    account text not null,
    display_name text not null,
    default_locale text not null,
    reply_to text,
    updated_at timestamptz not null default crossdock_now(),
    updated_by text not null,
    primary key (merchant_id, account)
);

-- Who wants no messages. The address itself is not kept.
create table opt_out (
    merchant_id text not null,
    channel text not null,
    address_sha256 bytea not null check (octet_length(address_sha256) = 32),
    at timestamptz not null default crossdock_now(),
    actor_name text not null,
    reason text not null,
    primary key (merchant_id, channel, address_sha256)
);
"""

# The role that runs the service is named after the one that migrates: X_owner, X_app.
APPEND_ONLY = """
do $$
declare
    app text := replace(current_user, '_owner', '_app');
begin
    if app <> current_user and exists (select from pg_roles where rolname = app) then
        execute format('revoke update, delete, truncate on delivery_log from %I', app);
        execute format('revoke delete, truncate on message, known_order, parcel from %I', app);
    end if;
end $$;
"""


def upgrade() -> None:
    install_chassis_schema(op.get_bind())
    for script in (KNOWN, MESSAGES, PREFERENCES, APPEND_ONLY):
        run_script(op.get_bind(), script)
