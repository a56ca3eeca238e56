-- Jobs that are paid for, and what was delivered of them (gpu/order.h).

CREATE TABLE job (
    quote         uuid PRIMARY KEY, -- the melt that pays for it
    request       bytea NOT NULL, -- sha256 of body
    body          bytea NOT NULL, -- what is asked, as OpenAI's API has it
    model         text NOT NULL,
    unit          text NOT NULL,
    seed          bytea NOT NULL, -- of the sampling: whoever runs it gives the same answer
    p_in          int8 NOT NULL, -- prices: units for 10^6 tokens
    p_cached      int8 NOT NULL,
    p_out         int8 NOT NULL,
    p_req         int8 NOT NULL, -- of the job, in units
    prompt_tokens int4 NOT NULL,
    tokens_max    int4 NOT NULL,
    -- QUOTED, PENDING, CLAIMED, RUNNING, COMPLETED, FAILED, CANCELLED, EXPIRED
    state         int2 NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 7),
    fence         int4 NOT NULL DEFAULT 0, -- of the last claim: who has an older one is too late
    attempts      int4 NOT NULL DEFAULT 0,
    worker        uuid,
    lease_until   timestamptz,
    is_unwanted   bool NOT NULL DEFAULT false, -- its buyer has cancelled it
    expires_at    timestamptz NOT NULL, -- unless it is paid until then
    deadline      timestamptz, -- of a paid one
    windows       int4 NOT NULL DEFAULT 0,
    delivered     int4 NOT NULL DEFAULT 0, -- tokens, in those windows
    cached_tokens int4 NOT NULL DEFAULT 0,
    cost          int8 NOT NULL DEFAULT 0,
    why           text, -- it has failed
    is_full       bool NOT NULL DEFAULT false, -- it ended because it was as long as it may be
    receipt       text, -- an event of kind 8430, as JSON
    created_at    timestamptz NOT NULL DEFAULT now(),
    paid_at       timestamptz,
    begun_at      timestamptz,
    ended_at      timestamptz
);

CREATE INDEX job_pending ON job (model, paid_at, quote) WHERE state = 1;
CREATE INDEX job_deadline ON job (deadline) WHERE state = 1;
CREATE INDEX job_leased ON job (lease_until) WHERE state IN (2, 3);
CREATE INDEX job_worker ON job (worker) WHERE state IN (2, 3);
CREATE INDEX job_quoted ON job (expires_at) WHERE state = 0;

-- Here before they are told to anybody: what was delivered is paid for, and is never made twice.
CREATE TABLE job_window (
    quote  uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    seq    int4 NOT NULL,
    fence  int4 NOT NULL, -- of whose it is
    said   bytea NOT NULL, -- text, UTF-8
    tokens bytea NOT NULL, -- each as four bytes, the lowest first
    PRIMARY KEY (quote, seq)
);
