use super::*;

const GOOD: &str = r#"
name = "test"
[chain]
id = 31337
fork = "osaka"
endpoints = ["http://127.0.0.1:1"]
agree = 1
finality_blocks = 2
[attestation]
allows_software = true
[[attestation.roots]]
vendor = "soft-a"
[delays]
grant_floor_seconds = 0
longest_seconds = 0
step_blocks = 60
[committee]
threshold = 2
[[committee.seats]]
vendor = "soft-a"
operator = "one"
[[committee.seats]]
vendor = "soft-a"
operator = "two"
[[committee.seats]]
vendor = "soft-a"
operator = "three"
[limits]
max_head_age_seconds = 60
max_finality_age_seconds = 60
release_window_blocks = 250
requests_per_minute = 60
"#;

fn parse_with(from: &str, to: &str) -> NetworkError {
    assert!(GOOD.contains(from));
    Network::parse(&GOOD.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn a_good_file_is_read_and_written_back() {
    let network = Network::parse(GOOD).unwrap();
    assert_eq!(Network::parse(&network.to_toml()).unwrap(), network);
}

#[test]
fn governance_may_be_named_in_part_and_nothing_else_may_stand_there() {
    let named = format!("[governance]\ntimelock = \"0x{}\"\n", "11".repeat(20));
    let network = Network::parse(&format!("{GOOD}{named}")).unwrap();
    let governance = network.governance.clone().unwrap();
    assert_eq!(governance.timelock, Some(Address::repeat_byte(0x11)));
    assert_eq!((governance.governor, governance.access_manager), (None, None));
    assert_eq!(Network::parse(&network.to_toml()).unwrap(), network);
    let error = Network::parse(&format!("{GOOD}{}", named.replace("timelock", "lock")));
    assert!(error.unwrap_err().to_string().contains("`lock`"));
}

/// [GOV-8]
#[test]
fn short_delays_of_governance_need_software_roots() {
    let short = format!("{GOOD}[governance]\ngrant_seconds = 172799\ncommittee_seconds = 604800\n");
    assert!(Network::parse(&short).is_ok());
    let real = short
        .replace("allows_software = true", "allows_software = false")
        .replace("grant_floor_seconds = 0", "grant_floor_seconds = 3600");
    let refused = Network::parse(&real).unwrap_err();
    assert!(
        matches!(
            refused,
            NetworkError::GovernanceDelay { key: "grant_seconds", least: 172_800, .. }
        ),
        "{refused}"
    );
    let long = real.replace("172799", "172800");
    assert!(Network::parse(&long).is_ok());
    let refused = Network::parse(&long.replace("604800", "604799")).unwrap_err();
    assert!(matches!(refused, NetworkError::GovernanceDelay { key: "committee_seconds", .. }));
}

#[test]
fn a_checkpoint_is_a_block_by_number_and_hash() {
    // [CHAIN-2]
    let hash = B256::repeat_byte(7);
    let checkpoint = format!("[chain.checkpoint]\nnumber = 9\nhash = \"{hash}\"\n");
    let network = Network::parse(&format!("{GOOD}{checkpoint}")).unwrap();
    assert_eq!(network.chain.checkpoint, Some(Checkpoint { number: 9, hash }));
    assert_eq!(Network::parse(&network.to_toml()).unwrap(), network);
    let half = Network::parse(&format!("{GOOD}[chain.checkpoint]\nnumber = 9\n")).unwrap_err();
    assert!(half.to_string().contains("hash"), "{half}");
}

#[test]
fn every_holder_of_votes_has_an_amount() {
    let dao = r#"
[governance.dao]
name = "DAO"
voting_delay = 0
voting_period = 1
proposal_threshold = 0
quorum_percent = 4
late_quorum_extension = 0
base_delay_seconds = 0
guardian_term_seconds = 1
[governance.dao.token]
name = "Votes"
symbol = "V"
holders = ["0x1111111111111111111111111111111111111111"]
amounts = [1]
"#;
    let network = Network::parse(&format!("{GOOD}{dao}")).unwrap();
    assert_eq!(Network::parse(&network.to_toml()).unwrap(), network);
    let refused = Network::parse(&format!("{GOOD}{}", dao.replace("[1]", "[1, 2]"))).unwrap_err();
    assert!(matches!(refused, NetworkError::Holders { holders: 1, amounts: 2 }));
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_what_is_allowed() {
    let error = parse_with("agree = 1", "agrees = 1").to_string();
    assert!(error.contains("line 7"), "{error}");
    assert!(error.contains("`agrees`") && error.contains("`agree`"), "{error}");
}

#[test]
fn each_rule_has_its_own_error() {
    use NetworkError as E;
    assert!(matches!(parse_with("threshold = 2", "threshold = 3"), E::Threshold { .. }));
    assert!(matches!(parse_with("threshold = 2", "threshold = 1"), E::Threshold { .. }));
    assert!(matches!(parse_with("agree = 1", "agree = 2"), E::Agree { .. }));
    assert!(matches!(parse_with("agree = 1", "agree = 0"), E::Agree { .. }));
    assert!(matches!(parse_with("operator = \"one\"", "operator = \"\""), E::Label { .. }));
    let other = parse_with("vendor = \"soft-a\"\noperator", "vendor = \"soft-b\"\noperator");
    assert!(matches!(other, E::UnknownVendor { .. }));
    let strict = parse_with("allows_software = true", "allows_software = false");
    assert!(matches!(strict, E::GrantFloor { seconds: 0 }));
    // [CHAIN-17]: the limit of finality's age is 60 here.
    let short = parse_with("grant_floor_seconds = 0", "grant_floor_seconds = 59");
    assert!(matches!(short, E::FinalityAge { seconds: 60, floor: 59 }));
    assert!(Network::parse(&GOOD.replace("floor_seconds = 0", "floor_seconds = 60")).is_ok());
}

#[test]
fn the_network_hash_binds_chain_genesis_and_committee() {
    // [WIRE-2] A4: a false chain with the right id and addresses has another genesis.
    let committee = Address::repeat_byte(2);
    let base = network_hash(1, B256::repeat_byte(1), committee);
    assert_ne!(base, network_hash(2, B256::repeat_byte(1), committee));
    assert_ne!(base, network_hash(1, B256::repeat_byte(9), committee));
    assert_ne!(base, network_hash(1, B256::repeat_byte(1), Address::ZERO));
}

#[test]
fn labels_round_trip() {
    let label = label("x", "soft-a").unwrap();
    assert_eq!(label_text(label), "soft-a");
    assert!(label_text(B256::ZERO).starts_with("0x"));
}
