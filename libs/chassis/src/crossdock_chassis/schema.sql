-- What every service's database holds besides its own tables. Installed by the first migration of each service.

-- The one clock. Tests set it for a database: ALTER DATABASE ... SET crossdock.now = '2026-01-31T12:00:00Z'.
create function crossdock_now() returns timestamptz language sql stable parallel safe as $$
    select coalesce(nullif(current_setting('crossdock.now', true), '')::timestamptz, transaction_timestamp())
$$;

-- For decisions under a lock: a transaction that waited must not decide with the time it began at.
create function crossdock_clock() returns timestamptz language sql stable parallel safe as $$
    select coalesce(nullif(current_setting('crossdock.now', true), '')::timestamptz, statement_timestamp())
$$;

-- Events to be sent, in wire form. Deleted after the broker's ack; ordered by seq within a shard of keys.
-- The identity's cache stays 1: numbers handed out ahead of time would break the order of one key.
create table outbox (
    shard smallint not null check (shard between 0 and 63),
    seq bigint generated always as identity,
    event_id uuid not null,
    topic text not null,
    key text not null,
    headers text[] not null,
    payload bytea not null check (octet_length(payload) <= 262144),
    created_at timestamptz not null default statement_timestamp(),
    primary key (shard, seq)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);

-- Records the broker refuses for what they are; later events of the key follow them here, in order.
create table outbox_parked (
    shard smallint not null,
    seq bigint not null,
    event_id uuid not null,
    topic text not null,
    key text not null,
    headers text[] not null,
    payload bytea not null,
    created_at timestamptz not null,
    error text not null,
    parked_at timestamptz not null default statement_timestamp(),
    primary key (shard, seq)
);
create index outbox_parked_key on outbox_parked (key);

-- The same events for good (within the replay window): what a lost broker is rebuilt from.
create table event_log (
    at timestamptz not null,
    seq bigint not null,
    shard smallint not null,
    event_id uuid not null,
    topic text not null,
    key text not null,
    headers text[] not null,
    payload bytea not null,
    primary key (seq, at)
) partition by range (at);
create table event_log_default partition of event_log default;

-- Which log we are writing to. Offsets mean something only within one epoch.
create table log_epoch (
    one boolean primary key default true check (one),
    epoch integer not null check (epoch >= 1),
    cluster_id text,
    rebuild_wanted text,
    rebuild_next bigint,
    rebuild_until bigint,
    changed_at timestamptz not null default statement_timestamp(),
    check ((rebuild_next is null) = (rebuild_until is null))
);
insert into log_epoch (epoch) values (1);

create table relay_ack (
    topic text not null,
    partition integer not null,
    epoch integer not null,
    acked_offset bigint not null,
    primary key (topic, partition)
);

-- How often this database was restored to an earlier time (ADR 19). What is counted after a restore begins above
-- all that the lost future can have counted. What follows from an event older than `asks_before`, by its UUIDv7,
-- may have been done in that future already.
create table restore_epoch (
    one boolean primary key default true check (one),
    epoch integer not null default 0 check (epoch between 0 and 2097151), -- versions stay whole in JSON: 2^53
    version_floor bigint not null generated always as (epoch::bigint << 32) stored,
    asks_before uuid,
    restored_at timestamptz
);
insert into restore_epoch default values;

-- How far a consumer has come, advanced in the same transaction as the effects.
create table consumer_fence (
    consumer text not null,
    topic text not null,
    partition integer not null,
    cluster_id text,
    epoch integer not null default 0,
    next_offset bigint not null default 0,
    caught_up_at timestamptz,
    updated_at timestamptz not null default statement_timestamp(),
    primary key (consumer, topic, partition)
);

-- Ids of events already handled. Partitioned by the UUIDv7 itself, which begins with its time.
create table inbox (
    event_id uuid not null,
    consumer text not null,
    primary key (event_id, consumer)
) partition by range (event_id);
create table inbox_default partition of inbox default;

create table parked_key (
    consumer text not null,
    key text not null,
    merchant_id text,
    error_type text not null,
    error_text text not null,
    fingerprint text not null,
    attempts integer not null default 1,
    since timestamptz not null default statement_timestamp(),
    primary key (consumer, key)
);

-- The key's events in the order they came. They go only with their key, and a key goes only when none is left.
create table parked_event (
    consumer text not null,
    key text not null,
    n bigint generated always as identity,
    event_id uuid,
    topic text not null,
    partition integer not null,
    "offset" bigint not null,
    headers text[] not null,
    payload bytea,
    parked_at timestamptz not null default statement_timestamp(),
    primary key (consumer, key, n),
    foreign key (consumer, key) references parked_key
);

-- What people did about parked keys, and why.
create table parked_audit (
    audit_id uuid primary key,
    consumer text not null,
    key text not null,
    merchant_id text,
    action text not null check (action in ('replayed', 'failed_again', 'discarded')),
    events integer not null,
    error_type text not null,
    fingerprint text not null,
    actor_kind text not null,
    actor_name text not null,
    reason text,
    at timestamptz not null default statement_timestamp()
);

-- Calls to the outside. Run by the work role, never inside a transaction, never by a consumer.
create table job (
    job_id uuid primary key,
    merchant_id text not null,
    kind text not null,
    reference text not null,
    destination text not null,
    payload jsonb not null,
    state text not null default 'ready' check (state in ('ready', 'running', 'done', 'refused', 'needs_person')),
    unknown_since timestamptz, -- an earlier attempt may have worked; a person is asked when that lasts too long
    outcome_unknown boolean not null generated always as (unknown_since is not null) stored,
    after_restore boolean not null default false, -- it may have been done in a future that a restore took back
    attempts integer not null default 0,
    run_at timestamptz not null,
    deadline_at timestamptz,
    lease_until timestamptz,
    lease_owner uuid, -- one attempt, not one process: whoever lost the lease cannot settle
    last_error text,
    cause_event_id uuid,
    correlation_id uuid,
    traceparent text,
    created_at timestamptz not null default statement_timestamp(),
    settled_at timestamptz,
    unique (kind, reference),
    check ((state = 'running') = (lease_owner is not null)),
    check ((lease_owner is null) = (lease_until is null))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
create index job_due on job (destination, run_at) where state = 'ready';
create index job_running on job (lease_until) where state = 'running';
create index job_open on job (state, created_at) where state in ('refused', 'needs_person');

-- Destinations that a person has stopped: their jobs wait, old ones and new ones.
create table job_pause (
    destination text primary key,
    because text not null,
    paused_at timestamptz not null default statement_timestamp()
);

create table timer (
    timer_id uuid primary key,
    merchant_id text not null,
    name text not null,
    key text not null,
    due_at timestamptz not null,
    payload jsonb not null,
    correlation_id uuid,
    traceparent text,
    attempts integer not null default 0, -- that failed
    retry_at timestamptz, -- not before, after one that failed
    created_at timestamptz not null default statement_timestamp(),
    unique (name, key)
);
create index timer_due on timer (due_at);

-- What people did to the machinery: who, and why.
create table operation_audit (
    audit_id uuid primary key,
    action text not null check (action in ('job_retried', 'job_retried_as_not_done', 'rebuild_requested', 'outbox_released', 'restored')),
    subject text not null,
    merchant_id text,
    actor_kind text not null,
    actor_name text not null,
    reason text not null,
    at timestamptz not null default statement_timestamp()
);

create table api_token (
    token_id uuid primary key,
    token_sha256 bytea not null unique,
    name text not null,
    merchant_id text not null,
    scopes text[] not null,
    created_at timestamptz not null default statement_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);

create table idempotency_key (
    principal text not null,
    method text not null,
    path text not null,
    key text not null,
    body_sha256 bytea not null,
    status smallint,
    headers text[],
    answer bytea,
    created_at timestamptz not null default statement_timestamp(),
    primary key (principal, method, path, key)
);
create index idempotency_key_age on idempotency_key (created_at);

-- Partitions. The owner's rights, so that the services' own role needs no DDL.
create function crossdock_make_partitions(days_ahead integer) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    today date := (transaction_timestamp() at time zone 'UTC')::date;
    day date;
    low text;
    high text;
begin
    for day in select generate_series(today - 1, today + days_ahead, interval '1 day')::date loop
        low := lpad(to_hex((extract(epoch from day::timestamp at time zone 'UTC') * 1000)::bigint), 12, '0');
        high := lpad(to_hex((extract(epoch from (day + 1)::timestamp at time zone 'UTC') * 1000)::bigint), 12, '0');
        begin
            execute format('create table if not exists public.event_log_%s partition of public.event_log '
                           'for values from (%L) to (%L)',
                           to_char(day, 'YYYYMMDD'), day::timestamp at time zone 'UTC',
                           (day + 1)::timestamp at time zone 'UTC');
            execute format('create table if not exists public.inbox_%s partition of public.inbox '
                           'for values from (%L) to (%L)',
                           to_char(day, 'YYYYMMDD'),
                           (rpad(low, 32, '0'))::uuid, (rpad(high, 32, '0'))::uuid);
        exception when check_violation then
            -- Rows of that day lie in a default partition already and go on doing so; the other days need theirs.
            raise warning 'no partitions for %: a default partition is in the way', day;
        end;
    end loop;
end $$;

-- A default partition rules out DETACH CONCURRENTLY, so old days are dropped under the role's lock time-out.
create function crossdock_drop_partitions(log_days integer, inbox_days integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    old text;
    dropped integer := 0;
begin
    for old in
        select c.relname from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('public.event_log'::regclass, 'public.inbox'::regclass)
          and c.relname ~ '_\d{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < (transaction_timestamp() at time zone 'UTC')::date
              - case when i.inhparent = 'public.inbox'::regclass then inbox_days else log_days end
        order by i.inhparent = 'public.event_log'::regclass, c.relname -- as consumers lock: inbox, then event log
    loop
        execute format('drop table public.%I', old);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;

select crossdock_make_partitions(7);
