-- Events, the tags by which they are found, and what the relay remembers about itself.

CREATE TABLE meta (
    k text PRIMARY KEY,
    v bytea NOT NULL
);

-- hash_key keys every hash below: secret, else tag values that collide could be made on purpose.
INSERT INTO meta VALUES
    ('hash_key', substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 16)),
    ('probe', '');

CREATE TABLE event (
    created_at int8 NOT NULL,
    -- The first 8 bytes of id, turned round so that ORDER BY created_at DESC, tie DESC is
    -- newest first, then lowest id, and a page can be sought by a comparison of rows.
    tie int8 NOT NULL,
    -- The first 8 bytes of pubkey.
    pkp int8 NOT NULL,
    -- Regular events: NULL. Replaceable: 0. Addressable: the hash of the d tag.
    dh int8,
    xid int8 NOT NULL DEFAULT pg_current_xact_id()::text::int8,
    expires int8,
    kind int4 NOT NULL,
    id bytea NOT NULL,
    pubkey bytea NOT NULL,
    sig bytea NOT NULL,
    -- Of the letter and value of each tag that a filter can name; sorted, each once.
    tag_hashes int8[] NOT NULL,
    -- The sender's own JSON text: the array, and the body of the string without its quotes.
    tags text NOT NULL,
    content text NOT NULL
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);

CREATE UNIQUE INDEX event_time ON event (created_at, tie);
CREATE INDEX event_id ON event (tie);
CREATE INDEX event_author ON event (pkp, kind, created_at, tie);
CREATE INDEX event_kind ON event (kind, created_at, tie);
-- The whole pubkey: a prefix that two authors share must not let one replace the other's events.
CREATE UNIQUE INDEX event_address ON event (pubkey, kind, dh) WHERE dh IS NOT NULL;
CREATE INDEX event_xid ON event (xid);
CREATE INDEX event_expires ON event (expires) WHERE expires IS NOT NULL;

-- One row for each of an event's tag_hashes.
CREATE TABLE etag (
    h int8 NOT NULL,
    created_at int8 NOT NULL,
    tie int8 NOT NULL,
    pkp int8 NOT NULL,
    kind int4 NOT NULL
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_scale_factor = 0.05
);

CREATE UNIQUE INDEX etag_hash ON etag (h, kind, created_at, tie);

-- For logical replication, and for moving a schema between nodes.
ALTER TABLE event REPLICA IDENTITY USING INDEX event_time;
ALTER TABLE etag REPLICA IDENTITY USING INDEX etag_hash;

-- Plans are made once for all parameters, and must be right whatever is stored: on an empty table,
-- in a schema with one author or one kind. So they are made for what these say, and for some rows
-- that no query sees, since the time of each is before 1970. A distributed table (Citus) refuses
-- such settings, and does without.
DO $$
BEGIN
    ALTER TABLE event ALTER COLUMN pkp SET (n_distinct = -0.2);
    ALTER TABLE event ALTER COLUMN kind SET (n_distinct = 10);
    ALTER TABLE etag ALTER COLUMN h SET (n_distinct = -0.2);
    ALTER TABLE etag ALTER COLUMN kind SET (n_distinct = 10);
EXCEPTION WHEN feature_not_supported THEN
    RAISE DEBUG 'no n_distinct on distributed tables';
END
$$;

INSERT INTO event (created_at, tie, pkp, dh, xid, kind, id, pubkey, sig, tag_hashes, tags, content)
SELECT -i, i, i % 200, CASE WHEN i % 2 = 0 THEN i END, 0, i % 10, sha256(int8send(i)),
    sha256(int8send(i % 200)), '', '{}', '[]', repeat('-', 300)
FROM generate_series(1::int8, 1000) i;

INSERT INTO etag (h, created_at, tie, pkp, kind)
SELECT i % 400, -(i % 1000) - 1, i % 1000 + 1, i % 200, i % 10 FROM generate_series(1::int8, 2000) i;

ANALYZE event;
ANALYZE etag;
