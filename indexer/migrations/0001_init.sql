-- The index: what was proven of the chain, block by block. Every row of `blocks`, `events` and `receipts` can be checked
-- against a header's hash; nothing in here has to be believed.
--
-- One text for SQLite and Postgres: BIGINT, BYTEA and TEXT are the only types (SQLite keeps integers and blobs as they come).

-- One row: which network, from which trusted block on, and how far. Written in the transaction of the block that moved it.
CREATE TABLE cursor (
    id               BIGINT PRIMARY KEY CHECK (id = 1),
    network          BYTEA NOT NULL,           -- networkHash: a database belongs to one network
    chain_id         BIGINT NOT NULL,
    start_number     BIGINT NOT NULL,          -- the trusted block; the first indexed one is its child
    start_hash       BYTEA NOT NULL,
    head_number      BIGINT NOT NULL,
    head_hash        BYTEA NOT NULL,
    safe_number      BIGINT NOT NULL,
    finalized_number BIGINT NOT NULL,
    finalized_hash   BYTEA NOT NULL
);

-- Every header from the start on. A block that a reorg took away stays, as not canonical, and so do its events.
CREATE TABLE blocks (
    hash        BYTEA PRIMARY KEY,
    number      BIGINT NOT NULL,
    parent      BYTEA NOT NULL,
    time        BIGINT NOT NULL,
    header      BYTEA NOT NULL,                -- RLP; keccak256 of it is the hash
    canonical   BIGINT NOT NULL,               -- 1 or 0
    seen_at     BIGINT NOT NULL,               -- when it was first stored here, by this host's clock
    orphaned_at BIGINT                         -- when a reorg took it away, by this host's clock; null while canonical
);
CREATE UNIQUE INDEX blocks_canonical ON blocks (number) WHERE canonical = 1;
CREATE INDEX blocks_number ON blocks (number);

-- Whose events are followed: one row per event that says so, and more than one for a member that was named again: nearer to
-- an app, or as one of ours. A row counts while its block is canonical.
CREATE TABLE watched (
    address      BYTEA NOT NULL,
    kind         TEXT NOT NULL,                -- kms-committee, app-registry, policy, foreign-policy, governor, …: decode.rs lists them
    since_hash   BYTEA NOT NULL,               -- the block that named it; the start for those that network.toml names
    since_number BIGINT NOT NULL,
    since_log    BIGINT NOT NULL,              -- -1 for those that network.toml names
    depth        BIGINT NOT NULL,              -- steps from a policy that AppRegistry names: 0 for that policy
    below        BIGINT NOT NULL DEFAULT 0,    -- what it emitted below this height is read afterwards, if it is to be read
    unread       BIGINT,                       -- of that, blocks below this height are still to be read; 0: its members are to be followed yet; null: nothing is left
    told_with    BIGINT,                       -- the height from which on what stands below counts; null: it does not, or not yet
    PRIMARY KEY (address, since_hash, since_log)
);
CREATE INDEX watched_unread ON watched (address, since_hash, since_log) WHERE unread IS NOT NULL;
CREATE INDEX watched_told_with ON watched (told_with) WHERE told_with IS NOT NULL;

-- Exactly once: the key is the log's place in the chain.
CREATE TABLE events (
    chain_id     BIGINT NOT NULL,
    block_hash   BYTEA NOT NULL,
    log_index    BIGINT NOT NULL,              -- in the block
    block_number BIGINT NOT NULL,
    tx_index     BIGINT NOT NULL,
    contract     BYTEA NOT NULL,
    kind         TEXT NOT NULL,
    standing     TEXT NOT NULL,                -- trail, outside (known, but in no trail), undecoded
    name         TEXT,
    app_id       BYTEA,
    seq          BIGINT,                       -- only of events in a trail
    topics       BYTEA NOT NULL,               -- 32 bytes each
    data         BYTEA NOT NULL,
    args         TEXT,                         -- JSON, by name
    PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX events_place ON events (block_number, log_index);
CREATE INDEX events_contract ON events (contract, block_number, log_index);
CREATE INDEX events_app ON events (app_id, block_number, log_index) WHERE app_id IS NOT NULL;
CREATE INDEX events_name ON events (name, block_number, log_index);

-- Receipts that hold a followed event, with the proof under receiptsRoot, taken while an endpoint still served them.
CREATE TABLE receipts (
    block_hash BYTEA NOT NULL,
    tx_index   BIGINT NOT NULL,
    first_log  BIGINT NOT NULL,                -- log_index of the receipt's first log
    receipt    BYTEA NOT NULL,                 -- EIP-2718
    proof      TEXT NOT NULL,                  -- JSON list of trie nodes, from the root
    PRIMARY KEY (block_hash, tx_index)
);

-- The last comparison of each trail with its proven slot, and what proves the slot.
CREATE TABLE verdicts (
    contract         BYTEA PRIMARY KEY,
    kind             TEXT NOT NULL,
    finalized_number BIGINT NOT NULL,
    finalized_hash   BYTEA NOT NULL,
    header           BYTEA NOT NULL,           -- RLP of the finalized header; its stateRoot is above account_proof
    proven_seq       BIGINT NOT NULL,
    proven_head      BYTEA NOT NULL,
    verdict          TEXT NOT NULL,            -- complete, missing, changed, surplus
    wrong_seq        BIGINT,                   -- the first that is missing, changed or too many
    slot             BYTEA,                    -- key of the trail slot; null if trail() read no single slot of the contract
    account_proof    TEXT,                     -- JSON list of trie nodes, from stateRoot to the contract's account
    slot_proof       TEXT                      -- JSON list of trie nodes, from the account's storage root to the slot
);

-- What counts now: events of canonical blocks, of contracts that canonical blocks name. Ours from their first event on (a
-- policy of ours is made before an app takes it), foreign ones from the block that names them; what is read afterwards once it
-- is read to the end.
CREATE VIEW canonical_events AS
    SELECT e.*, b.time AS block_time FROM events e JOIN blocks b ON b.hash = e.block_hash
    WHERE b.canonical = 1 AND EXISTS (
        SELECT 1 FROM watched w
        WHERE w.address = e.contract
          AND (w.below <= e.block_number
            OR (w.told_with IS NOT NULL AND (w.kind <> 'foreign-policy' OR w.since_number <= e.block_number)))
          AND (w.since_log < 0 OR EXISTS (SELECT 1 FROM blocks n WHERE n.hash = w.since_hash AND n.canonical = 1))
    );
