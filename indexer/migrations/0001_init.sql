-- The index: what was proven of the chain, block by block. Every row of `blocks`, `events` and `receipts` can be checked
-- against a header's hash; nothing in here has to be believed.

-- One row: which network, from which trusted block on, and how far. Written in the transaction of the block that moved it.
CREATE TABLE cursor (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    network          BLOB NOT NULL,            -- networkHash: a database belongs to one network
    chain_id         INTEGER NOT NULL,
    start_number     INTEGER NOT NULL,         -- the trusted block; the first indexed one is its child
    start_hash       BLOB NOT NULL,
    head_number      INTEGER NOT NULL,
    head_hash        BLOB NOT NULL,
    safe_number      INTEGER NOT NULL,
    finalized_number INTEGER NOT NULL,
    finalized_hash   BLOB NOT NULL
) STRICT;

-- Every header from the start on. A block that a reorg took away stays, as not canonical, and so do its events.
CREATE TABLE blocks (
    hash      BLOB PRIMARY KEY,
    number    INTEGER NOT NULL,
    parent    BLOB NOT NULL,
    time      INTEGER NOT NULL,
    header    BLOB NOT NULL,                   -- RLP; keccak256 of it is the hash
    canonical INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX blocks_canonical ON blocks (number) WHERE canonical = 1;
CREATE INDEX blocks_number ON blocks (number);

-- Whose events are followed: one row per event that says so. A row counts while its block is canonical.
CREATE TABLE watched (
    address      BLOB NOT NULL,
    kind         TEXT NOT NULL,                -- kms-committee, attestation-registry, app-registry, issuance-log, policy, foreign-policy
    since_hash   BLOB NOT NULL,                -- the block that named it; the start for the four that network.toml names
    since_number INTEGER NOT NULL,
    since_log    INTEGER NOT NULL,
    PRIMARY KEY (address, since_hash, since_log)
) STRICT;

-- Exactly once: the key is the log's place in the chain.
CREATE TABLE events (
    chain_id     INTEGER NOT NULL,
    block_hash   BLOB NOT NULL,
    log_index    INTEGER NOT NULL,             -- in the block
    block_number INTEGER NOT NULL,
    tx_index     INTEGER NOT NULL,
    contract     BLOB NOT NULL,
    kind         TEXT NOT NULL,
    standing     TEXT NOT NULL,                -- trail, outside (known, but in no trail), undecoded
    name         TEXT,
    app_id       BLOB,
    seq          INTEGER,
    topics       BLOB NOT NULL,                -- 32 bytes each
    data         BLOB NOT NULL,
    args         TEXT,                         -- JSON, by name
    PRIMARY KEY (chain_id, block_hash, log_index)
) STRICT;
CREATE INDEX events_place ON events (block_number, log_index);
CREATE INDEX events_contract ON events (contract, block_number, log_index);
CREATE INDEX events_app ON events (app_id, block_number, log_index);
CREATE INDEX events_name ON events (name, block_number, log_index);

-- Receipts that hold a followed event, with the proof under receiptsRoot, taken while an endpoint still served them.
CREATE TABLE receipts (
    block_hash BLOB NOT NULL,
    tx_index   INTEGER NOT NULL,
    first_log  INTEGER NOT NULL,               -- log_index of the receipt's first log
    receipt    BLOB NOT NULL,                  -- EIP-2718
    proof      TEXT NOT NULL,                  -- JSON list of trie nodes, from the root
    PRIMARY KEY (block_hash, tx_index)
) STRICT;

-- The last comparison of each trail with its proven slot.
CREATE TABLE verdicts (
    contract         BLOB PRIMARY KEY,
    kind             TEXT NOT NULL,
    finalized_number INTEGER NOT NULL,
    finalized_hash   BLOB NOT NULL,
    proven_seq       INTEGER NOT NULL,
    proven_head      BLOB NOT NULL,
    verdict          TEXT NOT NULL,            -- complete, missing, changed, surplus
    wrong_seq        INTEGER                   -- the first that is missing, changed or too many
) STRICT;

-- What counts now: events of canonical blocks, of contracts that canonical blocks name. Ours from their first event on (a
-- policy of ours is made before an app takes it), foreign ones from the block that names them.
CREATE VIEW canonical_events AS
    SELECT e.*, b.time AS block_time FROM events e JOIN blocks b ON b.hash = e.block_hash
    WHERE b.canonical = 1 AND EXISTS (
        SELECT 1 FROM watched w
        WHERE w.address = e.contract
          AND (w.kind <> 'foreign-policy' OR w.since_number <= e.block_number)
          AND (w.since_log < 0 OR w.since_hash IN (SELECT hash FROM blocks WHERE canonical = 1))
    );
