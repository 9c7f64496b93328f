-- Every charge there is. `keys` are the idempotency keys that changed it; `answers_at` is when the bank will say yes.
create table if not exists charges (
    id text primary key,
    reference text not null unique,
    amount bigint not null,
    currency text not null,
    token text not null,
    status text not null,
    captured bigint not null,
    refunds jsonb not null,
    reason text,
    revision integer not null,
    return_url text,
    keys jsonb not null,
    answers_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index if not exists charges_by_answer on charges (answers_at) where answers_at is not null;

-- Every movement of money or of a promise of it, once. What the shop says it moved has to stand here.
create table if not exists ledger (
    id bigint generated always as identity primary key,
    charge_id text not null,
    reference text not null,
    kind text not null,      -- authorisation, capture, void, refund
    refund_id text,
    amount bigint not null,  -- minor units
    currency text not null,
    key text,                -- the request's idempotency key; null where the bank or the payer acted
    at timestamptz not null,
    unique (charge_id, key)
);
create index if not exists ledger_by_time on ledger (at, id);

-- Webhooks that nobody has taken yet.
create table if not exists webhooks (
    id bigint generated always as identity primary key,
    event_id text not null,  -- the same for every delivery of one event
    body text not null,
    due_at timestamptz not null,
    tries integer not null default 0,
    error text,
    parked_at timestamptz    -- given up, after days of tries
);
create index if not exists webhooks_by_due on webhooks (due_at) where parked_at is null;
