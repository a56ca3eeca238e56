-- Who has deleted something, or vanished. Of an event of anybody else nothing more is asked.
CREATE INDEX event_deleter ON event (pubkey) WHERE kind IN (5, 62);
