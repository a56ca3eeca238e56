-- The words of events, for NIP-50. Filled by one process in the background, after the commit: an
-- event may be missing here for a while, and a row may be left whose event is gone.

CREATE TABLE search (
    created_at int8 NOT NULL,
    tie int8 NOT NULL,
    pkp int8 NOT NULL,
    kind int4 NOT NULL,
    -- Two letters, where the author said so (NIP-32, ISO-639-1).
    language text,
    words tsvector NOT NULL
) WITH (
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_vacuum_scale_factor = 0.05
);

CREATE UNIQUE INDEX search_time ON search (created_at, tie);
CREATE INDEX search_words ON search USING gin (words);
ALTER TABLE search REPLICA IDENTITY USING INDEX search_time;
