-- What the migrations make, for reading. Checked by tests/schema_sql.sh; not run by anything.

CREATE SCHEMA shoal;

CREATE TABLE control (
    list text NOT NULL,
    item text NOT NULL,
    is_allowed boolean NOT NULL,
    note text NOT NULL,
    admin text NOT NULL,
    at bigint NOT NULL
);

CREATE TABLE etag (
    h bigint NOT NULL,
    created_at bigint NOT NULL,
    tie bigint NOT NULL,
    pkp bigint NOT NULL,
    kind integer NOT NULL
)
WITH (autovacuum_vacuum_insert_scale_factor='0.02', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE ONLY etag ALTER COLUMN h SET (n_distinct=-0.2);
ALTER TABLE ONLY etag ALTER COLUMN kind SET (n_distinct=10);

CREATE TABLE event (
    created_at bigint NOT NULL,
    tie bigint NOT NULL,
    pkp bigint NOT NULL,
    dh bigint,
    xid bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    expires bigint,
    kind integer NOT NULL,
    id bytea NOT NULL,
    pubkey bytea NOT NULL,
    sig bytea NOT NULL,
    tag_hashes bigint[] NOT NULL,
    tags text NOT NULL,
    content text NOT NULL
)
WITH (autovacuum_vacuum_insert_scale_factor='0.02', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE ONLY event ALTER COLUMN pkp SET (n_distinct=-0.2);
ALTER TABLE ONLY event ALTER COLUMN kind SET (n_distinct=10);

CREATE TABLE fence (
    bucket integer NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE meta (
    k text NOT NULL,
    v bytea NOT NULL
);

CREATE TABLE migration (
    number integer NOT NULL,
    name text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE route (
    version bigint NOT NULL,
    is_moving boolean NOT NULL,
    homes bytea NOT NULL
);

CREATE TABLE search (
    created_at bigint NOT NULL,
    tie bigint NOT NULL,
    pkp bigint NOT NULL,
    kind integer NOT NULL,
    language text,
    words tsvector NOT NULL
)
WITH (autovacuum_vacuum_insert_scale_factor='0.02', autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE shard (
    number integer NOT NULL,
    conninfo text NOT NULL,
    schema text NOT NULL,
    standbys text DEFAULT ''::text NOT NULL,
    CONSTRAINT shard_number_check CHECK (((number > 0) AND (number < 64)))
);

CREATE TABLE ticket (
    id bytea NOT NULL,
    pubkey bytea,
    expires bigint NOT NULL
);

ALTER TABLE ONLY control
    ADD CONSTRAINT control_pkey PRIMARY KEY (list, item);

ALTER TABLE ONLY fence
    ADD CONSTRAINT fence_pkey PRIMARY KEY (bucket);

ALTER TABLE ONLY meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (k);

ALTER TABLE ONLY migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (number);

ALTER TABLE ONLY route
    ADD CONSTRAINT route_pkey PRIMARY KEY (version);

ALTER TABLE ONLY shard
    ADD CONSTRAINT shard_pkey PRIMARY KEY (number);

ALTER TABLE ONLY ticket
    ADD CONSTRAINT ticket_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX etag_hash ON etag USING btree (h, kind, created_at, tie);

ALTER TABLE ONLY etag REPLICA IDENTITY USING INDEX etag_hash;

CREATE UNIQUE INDEX event_address ON event USING btree (pubkey, kind, dh) WHERE (dh IS NOT NULL);

CREATE INDEX event_author ON event USING btree (pkp, kind, created_at, tie);

CREATE INDEX event_deleter ON event USING btree (pubkey) WHERE (kind = ANY (ARRAY[5, 62]));

CREATE INDEX event_expires ON event USING btree (expires) WHERE (expires IS NOT NULL);

CREATE INDEX event_id ON event USING btree (tie);

CREATE INDEX event_kind ON event USING btree (kind, created_at, tie);

CREATE UNIQUE INDEX event_time ON event USING btree (created_at, tie);

ALTER TABLE ONLY event REPLICA IDENTITY USING INDEX event_time;

CREATE INDEX event_xid ON event USING btree (xid);

CREATE UNIQUE INDEX search_time ON search USING btree (created_at, tie);

ALTER TABLE ONLY search REPLICA IDENTITY USING INDEX search_time;

CREATE INDEX search_words ON search USING gin (words);

