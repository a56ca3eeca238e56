-- Where a shard's streaming standbys are, to read from. Empty: of the first one's database its own,
-- of any other none.
ALTER TABLE shard ADD COLUMN standbys text NOT NULL DEFAULT '';
