use super::*;
use alloy_consensus::Header;
use proptest::prelude::*;
use std::collections::HashMap;

/// Every block there is, on every branch.
#[derive(Default)]
struct Blocks(HashMap<B256, SealedHeader>);

impl Blocks {
    /// A child of `parent`; `branch` makes siblings differ.
    fn child(&mut self, parent: BlockRef, branch: u8) -> BlockRef {
        let header = SealedHeader::of(Header {
            number: parent.number + 1,
            parent_hash: parent.hash,
            extra_data: vec![branch].into(),
            ..Header::default()
        });
        self.keep(header.expect("a header"))
    }

    /// `length` descendants of `parent`.
    fn grow(&mut self, parent: BlockRef, length: u64, branch: u8) -> Vec<BlockRef> {
        let mut blocks = vec![parent];
        for _ in 0..length {
            let last = *blocks.last().expect("a block");
            blocks.push(self.child(last, branch));
        }
        blocks
    }

    fn keep(&mut self, header: SealedHeader) -> BlockRef {
        let block = header.block();
        self.0.insert(block.hash, header);
        block
    }

    fn genesis(&mut self) -> BlockRef {
        self.keep(SealedHeader::of(Header::default()).expect("a header"))
    }

    fn follow(
        &self,
        chain: &HeaderChain,
        head: BlockRef,
        finalized: BlockRef,
    ) -> Result<(HeaderChain, Followed), WalkError> {
        let mut walk = chain.walk(&agreed(head, finalized))?;
        while let Some(wanted) = walk.wanted() {
            walk.accept(&self.0[&wanted.hash])?;
        }
        walk.finish()
    }
}

fn agreed(head: BlockRef, finalized: BlockRef) -> Agreed {
    Agreed { head, finalized, dissents: Vec::new() }
}

#[test]
fn the_chain_grows_from_its_checkpoint() {
    // [CHAIN-2] [CHAIN-3]
    let mut blocks = Blocks::default();
    let genesis = blocks.genesis();
    let line = blocks.grow(genesis, 5, 0);
    let chain = HeaderChain::new(genesis);
    let (chain, followed) = blocks.follow(&chain, line[5], line[3]).expect("links");
    assert_eq!(followed, Followed::Advanced);
    assert_eq!((chain.head(), chain.finalized()), (line[5], line[3]));
    assert!(line.iter().all(|block| chain.contains(*block)));
    let again = blocks.follow(&chain, line[5], line[3]).expect("links");
    assert_eq!(again, (chain, Followed::Unchanged));
}

#[test]
fn a_head_on_another_genesis_is_refused() {
    // [CHAIN-2] A4: a whole false chain, well linked, that does not contain the checkpoint.
    let mut blocks = Blocks::default();
    let genesis = blocks.genesis();
    let line = blocks.grow(genesis, 9, 0);
    let chain = HeaderChain::new(blocks.child(genesis, 1));
    assert!(matches!(
        blocks.follow(&chain, line[9], line[7]),
        Err(WalkError::FinalizedReorg { finalized, instead })
            if finalized == chain.finalized() && instead == line[1]
    ));
}

#[test]
fn a_branch_switch_drops_the_other_branch() {
    // [CHAIN-4]
    let mut blocks = Blocks::default();
    let genesis = blocks.genesis();
    let line = blocks.grow(genesis, 6, 0);
    let branch = blocks.grow(line[4], 1, 1);
    let chain = HeaderChain::new(genesis);
    let (chain, _) = blocks.follow(&chain, line[6], line[2]).expect("links");
    // Lower than the old head, and on another branch: a reorg all the same.
    let (chain, followed) = blocks.follow(&chain, branch[1], line[2]).expect("links");
    assert_eq!(followed, Followed::Switched { ancestor: line[4] });
    assert_eq!(chain.head(), branch[1]);
    assert!(!chain.contains(line[5]) && !chain.contains(line[6]));
    assert_eq!(chain.hash_at(6), None);
}

#[test]
fn a_finalized_block_stays() {
    // [CHAIN-5] Heads and finalized blocks that contradict finality are refused by name, and change nothing.
    let mut blocks = Blocks::default();
    let genesis = blocks.genesis();
    let line = blocks.grow(genesis, 6, 0);
    let branch = blocks.grow(line[3], 6, 1);
    let chain = HeaderChain::new(genesis);
    let (chain, _) = blocks.follow(&chain, line[6], line[4]).expect("links");
    assert_eq!(
        blocks.follow(&chain, branch[6], branch[4]),
        Err(WalkError::FinalizedReorg { finalized: line[4], instead: branch[1] })
    );
    // An honest head with a finalized block of the other branch: above ours, and below.
    assert_eq!(
        blocks.follow(&chain, line[6], branch[2]),
        Err(WalkError::FinalizedNotAncestor { finalized: branch[2], head: line[6] })
    );
    let below = blocks.child(line[1], 1);
    assert_eq!(
        blocks.follow(&chain, line[6], below),
        Err(WalkError::FinalizedReorg { finalized: line[4], instead: below })
    );
    assert_eq!(
        blocks.follow(&chain, line[3], line[2]),
        Err(WalkError::HeadBelowFinalized { head: line[3], finalized: line[4] })
    );
    // Lagging endpoints take nothing back.
    let (same, followed) = blocks.follow(&chain, line[5], line[2]).expect("lags");
    assert_eq!((&same, followed), (&chain, Followed::Behind));
}

#[test]
fn the_wanted_header_and_no_other_is_taken() {
    // [CHAIN-3] Too early, twice, after the end; and an unfinished walk yields no chain.
    let mut blocks = Blocks::default();
    let genesis = blocks.genesis();
    let line = blocks.grow(genesis, 3, 0);
    let chain = HeaderChain::new(genesis);
    let mut walk = chain.walk(&agreed(line[3], genesis)).expect("fits");
    assert_eq!((walk.wanted(), walk.remaining()), (Some(line[3]), 3));
    let header = |block: BlockRef| &blocks.0[&block.hash];
    assert_eq!(
        walk.accept(header(line[2])),
        Err(WalkError::UnexpectedHeader { wanted: Some(line[3]), got: line[2] })
    );
    walk.accept(header(line[3])).expect("wanted");
    assert!(walk.accept(header(line[3])).is_err());
    assert_eq!(walk.clone().finish(), Err(WalkError::Incomplete { wanted: line[2] }));
    walk.accept(header(line[2])).expect("wanted");
    walk.accept(header(line[1])).expect("wanted");
    assert_eq!((walk.wanted(), walk.remaining()), (None, 0));
    assert!(walk.accept(header(genesis)).is_err());
    assert_eq!(walk.finish().expect("complete").0.head(), line[3]);
}

#[test]
fn the_window_holds_anchors_and_everything_since_finality() {
    // [CHAIN-3] 300 blocks, or as many as are not final.
    let mut blocks = Blocks::default();
    let genesis = blocks.genesis();
    let line = blocks.grow(genesis, 800, 0);
    let chain = HeaderChain::new(genesis);
    let (chain, _) = blocks.follow(&chain, line[700], line[690]).expect("links");
    assert!(chain.contains(line[400]) && !chain.contains(line[399]));
    let (chain, _) = blocks.follow(&chain, line[720], line[690]).expect("links");
    assert!(chain.contains(line[420]) && !chain.contains(line[419]));
    let stalled = HeaderChain::new(genesis);
    let (stalled, _) = blocks.follow(&stalled, line[700], line[100]).expect("links");
    let (stalled, _) = blocks.follow(&stalled, line[800], line[90]).expect("links");
    assert!(stalled.contains(line[100]) && !stalled.contains(line[99]));
}

#[test]
fn state_opens_only_at_blocks_of_the_chain() {
    // [CHAIN-6]
    let mut blocks = Blocks::default();
    let genesis = blocks.genesis();
    let stranger = blocks.child(genesis, 1);
    let chain = HeaderChain::new(genesis);
    let open = |block: BlockRef| {
        let header = blocks.0[&block.hash].clone();
        chain.open(header, FactLimits::STATE, &Hints::new()).map(|state| state.block())
    };
    assert_eq!(open(genesis), Ok(genesis));
    assert_eq!(open(stranger), Err(NotOnChain { block: stranger }));
}

proptest! {
    /// [CHAIN-4] [CHAIN-5] Whatever is agreed in whatever order, the window is one linked line from the finalized block
    /// to the head, and finality never goes back.
    #[test]
    fn the_window_is_always_one_line(
        parents in prop::collection::vec(0_usize..1_000, 1..40),
        agreements in prop::collection::vec((0_usize..1_000, 0_usize..1_000), 1..40),
    ) {
        let mut blocks = Blocks::default();
        let mut tree = vec![blocks.genesis()];
        for (index, parent) in parents.iter().enumerate() {
            // Mostly long branches: one of the last three blocks.
            let recent = tree.len().saturating_sub(1 + parent % 3);
            let child = blocks.child(tree[recent], u8::try_from(index).expect("few"));
            tree.push(child);
        }
        let mut chain = HeaderChain::new(tree[0]);
        for (head, finalized) in agreements {
            let (head, finalized) = (tree[head % tree.len()], tree[finalized % tree.len()]);
            let before = chain.clone();
            if let Ok((after, _)) = blocks.follow(&chain, head, finalized) {
                chain = after;
            }
            prop_assert!(chain.finalized().number >= before.finalized().number);
            prop_assert!(chain.contains(chain.head()) && chain.contains(chain.finalized()));
            let mut block = chain.head();
            while block != before.finalized() {
                block = blocks.0[&block.hash].parent().expect("finalized is an ancestor");
                prop_assert!(chain.contains(block) || block.number < chain.finalized().number);
            }
            prop_assert_eq!(chain.hashes.keys().max(), Some(&chain.head().number));
        }
    }
}
