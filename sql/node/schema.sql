-- What the migrations make, for reading. Checked by tests/schema_sql.sh; not run by anything.

CREATE SCHEMA shoal_node_sql;

CREATE TABLE budget (
    name text NOT NULL,
    slot smallint NOT NULL,
    used bigint NOT NULL,
    share bigint NOT NULL,
    ceiling bigint NOT NULL,
    CONSTRAINT budget_used_check CHECK ((used >= 0))
);

CREATE TABLE entry (
    request bytea NOT NULL,
    keyset smallint NOT NULL,
    kind smallint NOT NULL,
    issued bigint NOT NULL,
    spent bigint NOT NULL,
    held bigint NOT NULL,
    at bigint NOT NULL,
    CONSTRAINT entry_kind_check CHECK (((kind >= 1) AND (kind <= 5)))
);

CREATE TABLE job (
    quote uuid NOT NULL,
    request bytea NOT NULL,
    body bytea NOT NULL,
    model text NOT NULL,
    unit text NOT NULL,
    seed bytea NOT NULL,
    p_in bigint NOT NULL,
    p_cached bigint NOT NULL,
    p_out bigint NOT NULL,
    p_req bigint NOT NULL,
    prompt_tokens integer NOT NULL,
    tokens_max integer NOT NULL,
    state smallint DEFAULT 0 NOT NULL,
    fence integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    worker uuid,
    lease_until timestamp with time zone,
    is_unwanted boolean DEFAULT false NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    deadline timestamp with time zone,
    windows integer DEFAULT 0 NOT NULL,
    delivered integer DEFAULT 0 NOT NULL,
    cached_tokens integer DEFAULT 0 NOT NULL,
    cost bigint DEFAULT 0 NOT NULL,
    why text,
    is_full boolean DEFAULT false NOT NULL,
    receipt text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    paid_at timestamp with time zone,
    begun_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT job_state_check CHECK (((state >= 0) AND (state <= 7)))
);

CREATE TABLE job_window (
    quote uuid NOT NULL,
    seq integer NOT NULL,
    fence integer NOT NULL,
    said bytea NOT NULL,
    tokens bytea NOT NULL
);

CREATE TABLE keyset (
    number smallint NOT NULL,
    id bytea NOT NULL,
    unit text NOT NULL,
    seed_index integer NOT NULL,
    fee_ppk integer NOT NULL,
    final_expiry bigint NOT NULL,
    active boolean NOT NULL,
    retired_at bigint,
    CONSTRAINT keyset_fee_ppk_check CHECK ((fee_ppk >= 0)),
    CONSTRAINT keyset_id_check CHECK ((length(id) = 33)),
    CONSTRAINT keyset_seed_index_check CHECK ((seed_index >= 0))
);

CREATE TABLE melt_quote (
    id uuid NOT NULL,
    method text NOT NULL,
    unit text NOT NULL,
    request text NOT NULL,
    amount bigint NOT NULL,
    fee_reserve bigint NOT NULL,
    state smallint NOT NULL,
    expiry bigint NOT NULL,
    created_at bigint NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    hold bytea,
    held bigint DEFAULT 0 NOT NULL,
    cost bigint DEFAULT 0 NOT NULL,
    proof text,
    CONSTRAINT melt_quote_amount_check CHECK ((amount >= 0)),
    CONSTRAINT melt_quote_fee_reserve_check CHECK ((fee_reserve >= 0)),
    CONSTRAINT melt_quote_state_check CHECK (((state >= 0) AND (state <= 2)))
);

CREATE TABLE migration (
    number integer NOT NULL,
    name text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE mint_quote (
    id uuid NOT NULL,
    method text NOT NULL,
    unit text NOT NULL,
    amount bigint NOT NULL,
    request text NOT NULL,
    key bytea,
    state smallint NOT NULL,
    expiry bigint NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT mint_quote_amount_check CHECK ((amount > 0)),
    CONSTRAINT mint_quote_state_check CHECK (((state >= 0) AND (state <= 2)))
);

CREATE TABLE payment (
    hash bytea NOT NULL,
    quote uuid NOT NULL,
    invoice text NOT NULL,
    state smallint NOT NULL,
    at bigint NOT NULL,
    until bigint NOT NULL,
    CONSTRAINT payment_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT payment_state_check CHECK (((state >= 1) AND (state <= 4)))
);

CREATE TABLE promise (
    b bytea NOT NULL,
    amount bigint NOT NULL,
    keyset smallint NOT NULL,
    "position" smallint,
    quote uuid,
    c bytea,
    e bytea,
    s bytea,
    CONSTRAINT promise_check CHECK (((amount > 0) OR (c IS NULL)))
);

CREATE TABLE proof (
    y bytea NOT NULL,
    amount bigint NOT NULL,
    keyset smallint NOT NULL,
    spent boolean NOT NULL,
    quote uuid,
    witness bytea,
    CONSTRAINT proof_amount_check CHECK ((amount > 0)),
    CONSTRAINT proof_check CHECK ((spent OR (quote IS NOT NULL)))
);

ALTER TABLE ONLY budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (name, slot);

ALTER TABLE ONLY entry
    ADD CONSTRAINT entry_pkey PRIMARY KEY (request, keyset);

ALTER TABLE ONLY job
    ADD CONSTRAINT job_pkey PRIMARY KEY (quote);

ALTER TABLE ONLY job_window
    ADD CONSTRAINT job_window_pkey PRIMARY KEY (quote, seq);

ALTER TABLE ONLY keyset
    ADD CONSTRAINT keyset_id_key UNIQUE (id);

ALTER TABLE ONLY keyset
    ADD CONSTRAINT keyset_pkey PRIMARY KEY (number);

ALTER TABLE ONLY keyset
    ADD CONSTRAINT keyset_unit_seed_index_key UNIQUE (unit, seed_index);

ALTER TABLE ONLY melt_quote
    ADD CONSTRAINT melt_quote_pkey PRIMARY KEY (id);

ALTER TABLE ONLY migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY mint_quote
    ADD CONSTRAINT mint_quote_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY promise
    ADD CONSTRAINT promise_pkey PRIMARY KEY (b);

ALTER TABLE ONLY proof
    ADD CONSTRAINT proof_pkey PRIMARY KEY (y);

CREATE INDEX job_deadline ON job USING btree (deadline) WHERE (state = 1);

CREATE INDEX job_leased ON job USING btree (lease_until) WHERE (state = ANY (ARRAY[2, 3]));

CREATE INDEX job_pending ON job USING btree (model, paid_at, quote) WHERE (state = 1);

CREATE INDEX job_quoted ON job USING btree (expires_at) WHERE (state = 0);

CREATE INDEX job_worker ON job USING btree (worker) WHERE (state = ANY (ARRAY[2, 3]));

CREATE UNIQUE INDEX keyset_active ON keyset USING btree (unit) WHERE active;

CREATE INDEX mint_quote_open ON mint_quote USING btree (method, expiry) WHERE (state = 0);

CREATE INDEX payment_open ON payment USING btree (at) WHERE (state = ANY (ARRAY[1, 2]));

CREATE INDEX promise_quote ON promise USING btree (quote, "position") WHERE (quote IS NOT NULL);

CREATE INDEX proof_held ON proof USING btree (quote) WHERE (NOT spent);

ALTER TABLE ONLY job_window
    ADD CONSTRAINT job_window_quote_fkey FOREIGN KEY (quote) REFERENCES job(quote) ON DELETE CASCADE;

