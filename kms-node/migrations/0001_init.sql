-- What a node remembers beside its sealed state. Nothing here is secret, and nothing here grants a key:
-- after a restart everything is judged again against proven chain state.

-- Requests that this node authorized: answered again from here, so that a replay of public evidence costs nothing (A17),
-- and released from here after a restart in the middle of an issuance.
CREATE TABLE issuances (
    issuance_id   BLOB NOT NULL,
    epoch         INTEGER NOT NULL,           -- an authorization counts for the epoch that it names
    app_id        BLOB NOT NULL,
    evidence_hash BLOB NOT NULL,
    authorization TEXT NOT NULL,              -- wire::request::Authorization, JSON
    authorized_at INTEGER NOT NULL,           -- seconds since 1970, of the proven head
    released_at   INTEGER,                    -- the first release
    PRIMARY KEY (issuance_id, epoch)
) STRICT;

-- Evidence by hash: what an auditor asks for. Kept whole; content-addressed, so it can come from anyone.
CREATE TABLE evidence (
    hash  BLOB PRIMARY KEY,
    bytes BLOB NOT NULL                       -- enc("quorate/v1/evidence", quote, event log, collateral)
) STRICT;

-- Calls that this node wants on chain; kept until their effect is seen in proven state.
CREATE TABLE statements (
    id       TEXT PRIMARY KEY,                -- what it is: session and step, or the issuance
    target   BLOB NOT NULL,
    calldata BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The relay's account of who was paid for (A17).
CREATE TABLE relayed (
    app_id BLOB NOT NULL,
    day    INTEGER NOT NULL,                  -- days since 1970, of the proven head
    records INTEGER NOT NULL,
    PRIMARY KEY (app_id, day)
) STRICT;
