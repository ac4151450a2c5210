use super::*;
use alloy_primitives::B256;
use proptest::prelude::*;

fn block(number: u64, branch: u8) -> BlockRef {
    BlockRef::new(number, B256::with_last_byte(branch))
}

fn claim(endpoint: usize, latest: BlockRef, finalized: BlockRef) -> EndpointClaim {
    EndpointClaim { endpoint: EndpointId(endpoint), latest, finalized, also: Vec::new() }
}

fn two_of_three() -> HeadSource {
    HeadSource::agreement(2, 3).expect("fits")
}

#[test]
fn m_and_k_fit() {
    // [CHAIN-7]
    assert!(HeadSource::agreement(1, 1).is_ok());
    for (m, k) in [(0, 1), (2, 1), (0, 0)] {
        assert_eq!(HeadSource::agreement(m, k), Err(AgreementError { m, k }));
    }
    let shown = two_of_three().to_string();
    assert_eq!(shown, "agreement 2 of 3 (not proven by consensus)");
}

#[test]
fn what_enough_endpoints_say_is_agreed() {
    // [CHAIN-7]
    let (head, finalized) = (block(10, 0), block(8, 0));
    let agreed = two_of_three().agree(&[claim(0, head, finalized), claim(1, head, finalized)]);
    assert_eq!(agreed, Ok(Agreed { head, finalized, dissents: Vec::new() }));
    // One endpoint less.
    assert_eq!(
        two_of_three().agree(&[claim(0, head, finalized)]),
        Err(AgreeError::TooFew { what: "latest", m: 2, best: 1 })
    );
}

#[test]
fn a_liar_is_outvoted_and_named() {
    // [CHAIN-7] [CHAIN-9] A4: a false head and finalized block, far ahead or at the same height.
    let (head, finalized) = (block(10, 0), block(8, 0));
    let honest = [claim(0, head, finalized), claim(2, head, finalized)];
    let with = |lie: EndpointClaim| {
        let agreed =
            two_of_three().agree(&[honest[0].clone(), lie, honest[1].clone()]).expect("agreed");
        assert_eq!((agreed.head, agreed.finalized), (head, finalized));
        agreed.dissents
    };
    let endpoint = EndpointId(1);
    assert_eq!(
        with(claim(1, block(10, 6), block(8, 6))),
        [
            Dissent::Disagrees { endpoint, claimed: block(8, 6), agreed: finalized },
            Dissent::Disagrees { endpoint, claimed: block(10, 6), agreed: head },
        ]
    );
    assert_eq!(with(claim(1, block(900, 6), block(800, 6))), []);
    let both = EndpointClaim { also: vec![block(10, 6)], ..claim(1, head, finalized) };
    assert_eq!(with(both), [Dissent::Contradicts { endpoint, number: 10 }]);
}

#[test]
fn one_endpoint_counts_once_and_only_if_it_is_configured() {
    // [CHAIN-8] A4: a single endpoint that speaks twice, or under another name.
    let lie = claim(1, block(10, 6), block(8, 6));
    assert!(matches!(
        two_of_three().agree(&[lie.clone(), lie.clone()]),
        Err(AgreeError::TooFew { best: 1, .. })
    ));
    assert_eq!(
        two_of_three().agree(&[lie.clone(), claim(3, lie.latest, lie.finalized)]),
        Err(AgreeError::UnknownEndpoint { endpoint: EndpointId(3), k: 3 })
    );
}

#[test]
fn endpoints_at_different_heights_agree_on_the_common_block() {
    // [CHAIN-7] One is ahead by two: asked for the common height in a second round, it counts there.
    let first = [claim(0, block(10, 0), block(8, 0)), claim(1, block(12, 0), block(8, 0))];
    // Not the finalized block instead: a head that never moves would be worse than a second question.
    assert!(matches!(two_of_three().agree(&first), Err(AgreeError::TooFew { what: "latest", .. })));
    assert_eq!(two_of_three().common_heights(&first), Some([10, 8]));
    let mut second = first.clone();
    second[1].also = vec![block(10, 0), block(8, 0)];
    second[1].finalized = block(9, 0);
    let agreed = two_of_three().agree(&second).expect("agreed");
    assert_eq!((agreed.head, agreed.finalized), (block(10, 0), block(8, 0)));
    assert_eq!(two_of_three().common_heights(&first[..1]), None);
}

#[test]
fn a_block_above_an_endpoints_finality_is_not_final_by_it() {
    // [CHAIN-7] Both have block 10; only one calls it final.
    let claims = [claim(0, block(10, 0), block(10, 0)), claim(1, block(10, 0), block(8, 0))];
    assert_eq!(
        two_of_three().agree(&claims),
        Err(AgreeError::TooFew { what: "finalized", m: 2, best: 1 })
    );
}

#[test]
fn a_head_below_finality_is_no_agreement() {
    // [CHAIN-8] Two lag far behind two others: each pair would be enough for one of the two blocks.
    let source = HeadSource::agreement(2, 4).expect("fits");
    let claims = [
        claim(0, block(10, 0), block(8, 0)),
        claim(1, block(10, 0), block(8, 0)),
        claim(2, block(21, 0), block(18, 0)),
        claim(3, block(22, 0), block(18, 0)),
    ];
    assert_eq!(
        source.agree(&claims),
        Err(AgreeError::HeadBelowFinalized { head: block(10, 0), finalized: block(18, 0) })
    );
}

#[test]
fn a_head_that_is_final_is_both() {
    // [CHAIN-7] A chain that finalizes at once.
    let block = block(10, 0);
    let agreed = two_of_three().agree(&[claim(0, block, block), claim(1, block, block)]);
    assert_eq!(agreed, Ok(Agreed { head: block, finalized: block, dissents: Vec::new() }));
}

#[test]
fn a_split_is_no_agreement() {
    // [CHAIN-8] Two branches of one height, each with m behind it.
    let source = HeadSource::agreement(1, 2).expect("fits");
    assert_eq!(
        source.agree(&[claim(0, block(10, 0), block(8, 0)), claim(1, block(10, 1), block(8, 0))]),
        Err(AgreeError::Split { what: "latest", number: 10 })
    );
}

proptest! {
    /// [CHAIN-8] Whatever fewer than m liars say, an agreed block is one that an honest endpoint has.
    #[test]
    fn fewer_than_m_liars_put_nothing_through(
        m in 1_usize..5,
        honest in prop::collection::vec((1_u64..6, 0_u64..6), 1..5),
        lies in prop::collection::vec((0_u64..8, 0_u64..8, prop::collection::vec((0_u64..8, 0_u8..3), 0..9)), 0..5),
    ) {
        // Honest endpoints are on branch 0, each at its own height.
        let mut claims: Vec<_> = honest
            .iter()
            .enumerate()
            .map(|(id, (latest, lag))| claim(id, block(*latest, 0), block(latest.saturating_sub(*lag), 0)))
            .collect();
        for (index, (latest, finalized, also)) in lies.iter().take(m - 1).enumerate() {
            let mut lie = claim(honest.len() + index, block(*latest, 1), block(*finalized, 2));
            lie.also = also.iter().map(|(number, branch)| block(*number, *branch)).collect();
            claims.push(lie);
        }
        if let Ok(source) = HeadSource::agreement(m, claims.len())
            && let Ok(agreed) = source.agree(&claims)
        {
            prop_assert_eq!(agreed.head.hash, B256::ZERO);
            prop_assert_eq!(agreed.finalized.hash, B256::ZERO);
            prop_assert!(agreed.finalized <= agreed.head);
        }
    }
}
