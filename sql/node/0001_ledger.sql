-- What a mint has signed and what was spent of it. gpu/ledger.h says what each thing means.

-- No table names another's rows by a foreign key: its lock on one keyset's row would be on the way
-- of every spend. shoal-gpu audit says what would be wrong.
CREATE TABLE keyset (
    number       int2 PRIMARY KEY,
    id           bytea NOT NULL UNIQUE CHECK (length(id) = 33),
    unit         text NOT NULL,
    seed_index   int4 NOT NULL CHECK (seed_index >= 0),
    fee_ppk      int4 NOT NULL CHECK (fee_ppk >= 0),
    final_expiry int8 NOT NULL,
    active       bool NOT NULL,
    retired_at   int8, -- when another became the active one
    UNIQUE (unit, seed_index)
);
CREATE UNIQUE INDEX keyset_active ON keyset (unit) WHERE active;

-- SPENT, or PENDING: held for a quote. UNSPENT has no row.
CREATE TABLE proof (
    y       bytea PRIMARY KEY,
    amount  int8 NOT NULL CHECK (amount > 0),
    keyset  int2 NOT NULL,
    spent   bool NOT NULL,
    quote   uuid,  -- the melt quote; NULL: spent in a swap
    witness bytea,
    CHECK (spent OR quote IS NOT NULL)
);
CREATE INDEX proof_held ON proof (quote) WHERE NOT spent;

-- Signed, or blank: an output that waits for the change of a quote.
CREATE TABLE promise (
    b        bytea PRIMARY KEY,
    amount   int8 NOT NULL CHECK (amount > 0 OR c IS NULL),
    keyset   int2 NOT NULL,
    position int2, -- among the blanks of the quote
    quote    uuid, -- the melt quote whose change it is
    c        bytea,
    e        bytea,
    s        bytea
);
CREATE INDEX promise_quote ON promise (quote, position) WHERE quote IS NOT NULL;

CREATE TABLE mint_quote (
    id         uuid PRIMARY KEY,
    method     text NOT NULL,
    unit       text NOT NULL,
    amount     int8 NOT NULL CHECK (amount > 0),
    request    text NOT NULL,
    key        bytea, -- NUT-20
    state      int2 NOT NULL CHECK (state BETWEEN 0 AND 2), -- UNPAID, PAID, ISSUED
    expiry     int8 NOT NULL,
    created_at int8 NOT NULL
);

CREATE TABLE melt_quote (
    id          uuid PRIMARY KEY,
    method      text NOT NULL,
    unit        text NOT NULL,
    request     text NOT NULL,
    amount      int8 NOT NULL CHECK (amount >= 0),
    fee_reserve int8 NOT NULL CHECK (fee_reserve >= 0),
    state       int2 NOT NULL CHECK (state BETWEEN 0 AND 2), -- UNPAID, PENDING, PAID
    expiry      int8 NOT NULL,
    created_at  int8 NOT NULL,
    attempt     int4 NOT NULL DEFAULT 0, -- holds so far
    hold        bytea, -- hash of the request that held it
    held        int8 NOT NULL DEFAULT 0,
    cost        int8 NOT NULL DEFAULT 0,
    proof       text
);

-- The journal: what each request has moved, a row for each keyset. Never changed.
CREATE TABLE entry (
    request bytea NOT NULL,
    keyset  int2 NOT NULL,
    kind    int2 NOT NULL CHECK (kind BETWEEN 1 AND 5), -- issue, swap, hold, settle, cancel
    issued  int8 NOT NULL,
    spent   int8 NOT NULL,
    held    int8 NOT NULL, -- what became PENDING, less what ceased to be
    at      int8 NOT NULL,
    PRIMARY KEY (request, keyset)
);

-- What was taken from a ceiling. Each has several rows, so that takers do not wait for each other;
-- the shares of all are the ceiling.
CREATE TABLE budget (
    name    text NOT NULL,
    slot    int2 NOT NULL,
    used    int8 NOT NULL CHECK (used >= 0),
    share   int8 NOT NULL,
    ceiling int8 NOT NULL,
    PRIMARY KEY (name, slot)
);
