-- What makes an event provable years later, taken while nodes still served it: evidence, the contracts' code, and a bundle
-- (docs/spec/bundle.md) of every issuance and every revocation of code.

-- quote, event log and collateral, in the encoding whose keccak256 is the hash that events name.
CREATE TABLE evidence (
    hash  BYTEA PRIMARY KEY,
    bytes BYTEA NOT NULL
);

-- Code that bundles prove views with. It is the same in all of them, and most of their size.
CREATE TABLE codes (
    hash BYTEA PRIMARY KEY,                    -- keccak256
    code BYTEA NOT NULL
);

-- One row per event that was tried. Only finalized ones are, so no reorg takes one away.
CREATE TABLE bundles (
    block_hash BYTEA NOT NULL,
    log_index  BIGINT NOT NULL,
    body       TEXT,                           -- the bundle without codes and evidence, which are above; null: not yet
    failure    TEXT,                           -- why not
    tries      BIGINT NOT NULL,
    again_at   BIGINT NOT NULL,                -- the finalized block at which it is tried again
    PRIMARY KEY (block_hash, log_index)
);
CREATE INDEX bundles_again ON bundles (again_at) WHERE body IS NULL;
