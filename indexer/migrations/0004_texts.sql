-- Texts that the chain names by hash, and what was said of one proposal.

-- SHA-256 of an app-compose.json, keccak256 of a simulation's report. Anybody may send one; it is kept only if its bytes have
-- the hash and an event or a proposal names it, so nothing in here has to be believed. [API-6]
CREATE TABLE texts (
    hash BYTEA PRIMARY KEY,
    sort TEXT NOT NULL,                        -- app-compose, simulation
    app  BYTEA,                                -- the app whose share it takes; null: governance names it
    size BIGINT NOT NULL,                      -- of the body in bytes, so that no body is read to add them up
    body TEXT NOT NULL
);
CREATE INDEX texts_app ON texts (app, size);

-- The id of a proposal is the first word of the data of what its Governor says of it. The expression is that of
-- store/proposals.rs, letter by letter.
CREATE INDEX events_proposal ON events (substr(data, 1, 32), block_number, log_index) WHERE kind = 'governor' AND length(data) >= 32;
