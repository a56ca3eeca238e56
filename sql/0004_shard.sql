-- Where authors live when there are several shards. Shard and route count in the first shard's
-- schema alone; fence in every shard's.

-- The shards besides the first, which is 0: where these tables are read.
CREATE TABLE shard (
    number int4 PRIMARY KEY CHECK (number > 0 AND number < 64),
    -- Empty: the first one's database.
    conninfo text NOT NULL,
    schema text NOT NULL
);

-- One row: the number of the shard of each bucket. A bucket is the first 10 bits of a public key.
CREATE TABLE route (
    version int8 PRIMARY KEY,
    is_moving bool NOT NULL,
    homes bytea NOT NULL
);

INSERT INTO route VALUES (1, false, decode(repeat('00', 1024), 'hex'));

-- Buckets that are not written here any more; 1024: from which version of route on one knows all
-- shards that a deletion must reach.
CREATE TABLE fence (
    bucket int4 PRIMARY KEY,
    version int8 NOT NULL
);
