-- Lightning invoices that are paid for credit (gpu/ledger_payment.h).

-- By the invoice's hash: no two quotes pay the same one.
CREATE TABLE payment (
    hash    bytea PRIMARY KEY CHECK (length(hash) = 32),
    quote   uuid NOT NULL, -- the melt that pays for it
    invoice text NOT NULL,
    -- READY, SENT: nobody knows yet what became of it; PAID, FAILED
    state   int2 NOT NULL CHECK (state BETWEEN 1 AND 4),
    at      int8 NOT NULL, -- when it was made READY
    until   int8 NOT NULL -- of one that is SENT: from then on, who has not heard of it never will
);
CREATE INDEX payment_open ON payment (at) WHERE state IN (1, 2);

-- Quotes that wait to be paid.
CREATE INDEX mint_quote_open ON mint_quote (method, expiry) WHERE state = 0;
