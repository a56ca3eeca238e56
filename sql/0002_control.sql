-- What the operators decided while the relay runs (NIP-86), and the proofs by which they did.

CREATE TABLE control (
    -- pubkey, event, kind, ip, method or setting.
    list text NOT NULL,
    -- Hex, a number, an address or network, "pubkey method", the name of a setting.
    item text NOT NULL,
    -- Else banned: never both.
    is_allowed bool NOT NULL,
    -- Why; of a setting, its value.
    note text NOT NULL,
    -- Who, and when.
    admin text NOT NULL,
    at int8 NOT NULL,
    PRIMARY KEY (list, item)
);

-- Ids of events that have proved who asks, until they are too old to do so again; hashes of the
-- tokens of consoles, which have a pubkey.
CREATE TABLE ticket (
    id bytea PRIMARY KEY,
    pubkey bytea,
    expires int8 NOT NULL
);
