-- What views and pages walk along, so that none reads through events that it does not show. [EXP-9]

-- Which index a query walks is not left to a planner, which guesses, and differently in each release. An index has columns that
-- no other one has: slices that are the whole (an address has 20 bytes, a topic 32, and no name is longer than 64). The queries
-- of store/views.rs say the same slices, letter by letter.

-- The events of an app by name, however many keys it got; and the newest of one name.
CREATE INDEX events_app_name ON events (substr(app_id, 1, 20), substr(name, 1, 64), block_number, log_index);

-- The contracts of the network file by kind, among those of many apps; and trails that are not what the chain has.
CREATE INDEX watched_kind ON watched (kind, since_log);
CREATE INDEX verdicts_wrong ON verdicts (contract) WHERE verdict <> 'complete';

-- By the second and third indexed argument: issuance id, compose hash, device, vendor, signer, …
CREATE INDEX events_second ON events (substr(topics, 65, 32), block_number, log_index) WHERE length(topics) >= 96;
CREATE INDEX events_third ON events (substr(topics, 97, 32), block_number, log_index) WHERE length(topics) >= 128;

-- The records of one code in one app, however many other apps run it.
CREATE INDEX events_app_third ON events (substr(app_id, 1, 21), substr(topics, 97, 33), block_number, log_index)
    WHERE length(topics) >= 128;

-- One event by its place, and all of one block, without the chain's id before them.
CREATE INDEX events_block ON events (block_hash, log_index);

-- Whom a policy asks, however much else it said.
CREATE INDEX events_asked ON events (substr(contract, 1, 20), block_number, log_index)
    WHERE name IN ('MemberAdded', 'LicenseInitialized') AND length(topics) >= 96;
