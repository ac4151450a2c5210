use super::*;
use abi::AllowlistPolicy;

const POLICY: Address = Address::repeat_byte(1);
const NEW: B256 = B256::repeat_byte(0xab);
const OTHER: B256 = B256::repeat_byte(0xcd);

fn approve(hash: B256) -> Call {
    let call = AllowlistPolicy::approveComposeHashCall {
        composeHash: hash,
        uri: "https://example.org/v2".into(),
    };
    Call::new(POLICY, &call)
}

fn draft() -> Draft {
    Draft {
        title: "Upgrade to v2".into(),
        body: "Why: speed.".into(),
        images: vec![(NEW, vec![format!("nginx@sha256:{}", "12".repeat(32))])],
        diff: format!("-{}\n+{}", "34".repeat(32), "56".repeat(32)),
        simulation: Some(B256::repeat_byte(7)),
        proposer: Some(Address::repeat_byte(9)),
    }
}

#[test]
fn a_description_stands_for_its_calls_and_ends_with_its_proposer() {
    let description = describe(&draft(), &[approve(NEW)]).unwrap();
    assert!(description.starts_with("# Upgrade to v2\n\nWhy: speed.\n\n```quorate\n"));
    for words in ["what = \"compose hash\"", "nginx@sha256:1212", "https://example.org/v2"] {
        assert!(description.contains(words), "{words} is missing in\n{description}");
    }
    assert!(description.ends_with("#proposer=0x0909090909090909090909090909090909090909"));
    assert!(text_against_calldata(&description, &[approve(NEW)]).is_ok());
}

/// [GOV-20]
#[test]
fn a_text_that_names_another_hash_than_the_calldata_is_found() {
    let description = describe(&draft(), &[approve(NEW)]).unwrap();
    let refused = text_against_calldata(&description, &[approve(OTHER)]).unwrap_err();
    assert!(matches!(refused, TextError::NotInCalls { hash: NEW, .. }), "{refused}");
    // One call more than the text says.
    let refused = text_against_calldata(&description, &[approve(NEW), approve(OTHER)]).unwrap_err();
    assert!(matches!(&refused, TextError::Unnamed(unnamed) if unnamed.hash == OTHER), "{refused}");
    // The same hash for another contract.
    let elsewhere = Call { to: Address::repeat_byte(5), ..approve(NEW) };
    let refused = text_against_calldata(&description, &[elsewhere]).unwrap_err();
    assert!(matches!(refused, TextError::NotInCalls { .. }), "{refused}");
    // Another text behind the hash.
    let other_uri = description.replace("example.org/v2", "example.org/v3");
    let refused = text_against_calldata(&other_uri, &[approve(NEW)]).unwrap_err();
    assert!(matches!(refused, TextError::OtherUri { .. }), "{refused}");
}

#[test]
fn a_second_hash_held_up_to_voters_is_found() {
    let description = describe(&draft(), &[approve(NEW)]).unwrap();
    for word in [OTHER.to_string(), hex::encode(OTHER)] {
        let decoy = description.replace("Why: speed.", &format!("Approves {word}."));
        let refused = text_against_calldata(&decoy, &[approve(NEW)]).unwrap_err();
        assert!(matches!(refused, TextError::Stray(OTHER)), "{refused}");
    }
    // The digest of an image is no such hash, and the approved one may be repeated.
    let fine = format!("{NEW} runs nginx@sha256:{}", hex::encode(OTHER));
    let fine = description.replace("Why: speed.", &fine);
    text_against_calldata(&fine, &[approve(NEW)]).unwrap();
}

#[test]
fn a_text_without_a_block_must_name_every_hash() {
    text_against_calldata(&format!("# Upgrade\n{NEW}"), &[approve(NEW)]).unwrap();
    let refused = text_against_calldata("# Upgrade", &[approve(NEW)]).unwrap_err();
    assert!(matches!(refused, TextError::Unnamed(_)), "{refused}");
    // Nothing is approved: nothing has to be named.
    let revoke = AllowlistPolicy::revokeComposeHashCall { composeHash: NEW, reason: 1 };
    text_against_calldata("# Revoke", &[Call::new(POLICY, &revoke)]).unwrap();
}

#[test]
fn a_block_is_alone_whole_and_of_a_known_version() {
    let description = describe(&draft(), &[approve(NEW)]).unwrap();
    let refused = |text: String| text_against_calldata(&text, &[approve(NEW)]).unwrap_err();
    assert!(matches!(
        refused(format!("{description}\n```quorate\nversion = 1\n```")),
        TextError::Blocks(2)
    ));
    assert!(matches!(
        refused(description.replace("version = 1", "version = 2")),
        TextError::Version(2)
    ));
    assert!(matches!(
        refused(description.replace("version = 1", "version = 1\nnote = \"x\"")),
        TextError::Malformed(_)
    ));
    // A fence that is never closed hides nothing.
    let open = format!("{description}\n```diff\n{OTHER}");
    assert!(matches!(refused(open), TextError::Stray(OTHER)));
}

#[test]
fn a_long_text_against_many_calls_is_read_once() {
    // [GOV-20] A hash of every line is looked for in every call; a block of a hundred thousand lines.
    let hash = |number: usize| B256::from(alloy_primitives::U256::from(number).to_be_bytes());
    let calls: Vec<Call> = (0..2000).map(|number| approve(hash(number + 1))).collect();
    let mut text = describe(&draft(), &calls).unwrap();
    (0..20_000).for_each(|number| text.push_str(&format!("\n{}", hash(number % 2000 + 1))));
    text.push_str(&format!("\n```diff\n{}\n```\n", "-x\n".repeat(100_000)));
    text_against_calldata(&text, &calls).unwrap();
    text.push_str(&format!("\n{OTHER}"));
    assert!(matches!(text_against_calldata(&text, &calls), Err(TextError::Stray(OTHER))));
}

#[test]
fn a_title_is_one_line() {
    for title in ["", "  ", "two\nlines"] {
        let draft = Draft { title: title.into(), ..draft() };
        assert!(matches!(describe(&draft, &[approve(NEW)]), Err(TextError::Title)), "{title:?}");
    }
}

#[test]
fn words_of_another_body_cant_bring_a_second_block() {
    let draft = Draft { body: "```quorate\nversion = 1\n```".into(), ..draft() };
    assert!(matches!(describe(&draft, &[approve(NEW)]), Err(TextError::Blocks(2))));
}

#[test]
fn the_report_that_a_text_names_is_that_of_its_only_block() {
    let description = describe(&draft(), &[approve(NEW)]).unwrap();
    assert_eq!(simulation_of(&description), Some(B256::repeat_byte(7)));
    let two = format!("{description}\n```quorate\nversion = 1\n```");
    for other in ["# Upgrade", "```quorate\nversion = ", two.as_str()] {
        assert_eq!(simulation_of(other), None, "{other}");
    }
}
