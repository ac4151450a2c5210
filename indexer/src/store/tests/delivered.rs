//! Lists as of a block, and what a block brings and takes away, on both databases.

use super::*;

const POLICY: Address = Address::repeat_byte(0xAA);

fn places(rows: &[EventRow]) -> Vec<(u64, Address)> {
    rows.iter().map(|row| (row.block.number, row.contract)).collect()
}

/// Five blocks with an event each; the fourth names a policy that has emitted in the second.
async fn five(store: &Store) -> [BlockRef; 5] {
    let (mut parent, mut blocks) = (START, [START; 5]);
    for (place, number) in blocks.iter_mut().zip(1..) {
        *place = block(parent, 1, number).header.block();
        parent = *place;
    }
    let mut parent = START;
    for number in 1..=5 {
        let mut new = block(parent, 1, number);
        if number == 4 {
            let since = new.header.block();
            new.watched = vec![Watched {
                address: POLICY,
                kind: Kind::Policy,
                since,
                since_log: 0,
                depth: 0,
                back: LookBack::whole(number),
            }];
            let early = NewEvent {
                block: blocks[1],
                log_index: 9,
                contract: POLICY,
                kind: Kind::Policy,
                ..new.events[0].clone()
            };
            new.events.push(early);
        }
        parent = new.header.block();
        store.append(&[new]).await.unwrap();
    }
    blocks
}

fn page(as_of: Option<u64>, newest_first: bool, after: Option<(BlockRef, u64)>) -> PageOf {
    PageOf { selection: Selection::default(), as_of, newest_first, after, limit: 100 }
}

#[test]
fn a_list_is_as_of_its_block_and_goes_on_after_its_cursor() {
    // [API-2]
    on_both("page", async |url| {
        let store = store(url).await;
        let blocks = five(&store).await;
        let list = async |page| places(&store.page(&page).await.unwrap());
        let (early, own) = ((2, POLICY), |number| (number, CONTRACT));
        assert_eq!(list(page(Some(3), false, None)).await, [own(1), own(2), own(3)]);
        let all = [own(1), own(2), early, own(3), own(4), own(5)];
        assert_eq!(list(page(Some(5), false, None)).await, all);
        let after = Some((blocks[1], 9));
        assert_eq!(list(page(Some(4), false, after)).await, [own(3), own(4)]);
        assert_eq!(list(page(Some(5), true, after)).await, [own(2), own(1)]);
        let selection = Selection { kind: Some(Kind::Policy), ..Selection::default() };
        assert_eq!(list(PageOf { selection, ..page(Some(5), false, None) }).await, [early]);
        assert!(list(page(None, false, None)).await.is_empty());
        append(&store, blocks[1], 2, 1).await;
        assert_eq!(list(page(None, true, None)).await, [own(5), own(4), own(3)]);
    });
}

#[test]
fn what_a_block_brought_it_takes_away() {
    // [API-3]
    on_both("brought", async |url| {
        let store = store(url).await;
        let blocks = five(&store).await;
        let all = Selection::default();
        let next = async |from| store.next_bringing(&all, from, 5).await.unwrap();
        assert_eq!(next(2).await, Some(blocks[1]));
        assert_eq!(next(6).await, None);
        let named = Selection { contract: Some(POLICY), ..Selection::default() };
        assert_eq!(store.next_bringing(&named, 3, 5).await.unwrap(), Some(blocks[3]));
        let brought = async |block: BlockRef, branch: &[BlockRef]| {
            places(&store.brought(&all, block, branch).await.unwrap())
        };
        let fourth = [(2, POLICY), (4, CONTRACT)];
        assert_eq!(brought(blocks[1], &[]).await, [(2, CONTRACT)]);
        assert_eq!(brought(blocks[3], &[]).await, fourth);
        assert_eq!(store.taken_away(blocks[4]).await.unwrap(), Some((vec![], blocks[4])));
        append(&store, blocks[1], 2, 1).await;
        let taken = vec![blocks[4], blocks[3], blocks[2]];
        let (found, common) = store.taken_away(blocks[4]).await.unwrap().unwrap();
        assert_eq!((&found, common), (&taken, blocks[1]));
        assert_eq!(brought(blocks[3], &taken[1..]).await, fourth);
        assert_eq!(brought(blocks[2], &taken[2..]).await, [(3, CONTRACT)]);
        // It is there still, and nothing names its contract any more.
        assert_eq!(brought(blocks[1], &[]).await, [(2, CONTRACT)]);
        let strange = BlockRef::new(5, B256::repeat_byte(1));
        assert_eq!(store.taken_away(strange).await.unwrap(), None);
        let wrong_height = BlockRef::new(4, blocks[4].hash);
        assert_eq!(store.taken_away(wrong_height).await.unwrap(), None);
    });
}

#[test]
fn the_next_page_of_newest_has_nothing_of_a_policy_that_was_named_later() {
    // [API-2]
    on_both("newest", async |url| {
        let store = store(url).await;
        let blocks = five(&store).await;
        let newest = async |up_to, before| {
            let wanted = Newest { up_to: Some(up_to), before, limit: 2, ..Newest::default() };
            places(&store.newest(&wanted).await.unwrap())
        };
        let (early, own) = ((2, POLICY), |number| (number, CONTRACT));
        assert_eq!(newest(3, None).await, [own(3), own(2)]);
        // The fourth block has named a policy that emitted in the second, after its own event there.
        let after = Some((blocks[2], 0));
        assert_eq!(newest(3, after).await, [own(2), own(1)]);
        assert_eq!(newest(4, after).await, [early, own(2)]);
    });
}
