//! State tries of our own making: one leaf is another, and every node above it is made anew. So a state can say what no chain
//! says, and be proven all the same.

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, PayloadView};
use bundle::{AccountFacts, Bundle, Trusted};
use std::collections::BTreeMap;

/// The storage root of nothing.
const EMPTY_ROOT: B256 = alloy_trie::EMPTY_ROOT_HASH;

/// What a leaf becomes.
#[derive(Clone, Copy)]
enum Leaf<'a> {
    Value(&'a [u8]),
    /// Of another key: nothing is under this one.
    Elsewhere,
}

/// A node, or what is in one.
#[derive(Clone)]
enum Item {
    Text(Vec<u8>),
    List(Vec<Item>),
}

impl Item {
    fn read(mut bytes: &[u8]) -> Self {
        match alloy_rlp::Header::decode_raw(&mut bytes).unwrap() {
            PayloadView::String(text) => Self::Text(text.to_vec()),
            PayloadView::List(items) => Self::List(items.into_iter().map(Self::read).collect()),
        }
    }

    fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Text(text) => text.as_slice().encode(&mut out),
            Self::List(items) => {
                let payload = items.iter().map(Self::write).collect::<Vec<_>>().concat();
                alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut out);
                out.extend(payload);
            }
        }
        out
    }
}

/// Nodes by their hash.
#[derive(Default)]
struct Nodes(BTreeMap<B256, Bytes>);

impl Nodes {
    fn of<'a>(proofs: impl Iterator<Item = &'a Vec<Bytes>>) -> Self {
        Self(proofs.flatten().map(|node| (keccak256(node), node.clone())).collect())
    }

    /// The root above the leaf at `key`, once it is another.
    fn with(&mut self, root: B256, key: &[u8], leaf: Leaf<'_>) -> B256 {
        let node = Item::read(&self.0[&root]);
        let new = self.remade(node, &path(key), leaf);
        self.keep(new.write())
    }

    fn keep(&mut self, node: Vec<u8>) -> B256 {
        let hash = keccak256(&node);
        self.0.insert(hash, node.into());
        hash
    }

    fn remade(&mut self, node: Item, rest: &[u8], leaf: Leaf<'_>) -> Item {
        let Item::List(mut items) = node else { panic!("no node") };
        if items.len() == 17 {
            let at = usize::from(rest[0]);
            items[at] = self.below(items[at].clone(), &rest[1..], leaf);
            return Item::List(items);
        }
        let Item::Text(prefix) = items[0].clone() else { panic!("no path") };
        let (key, is_leaf) = unpacked(&prefix);
        let common = key.iter().zip(rest).take_while(|(one, other)| one == other).count();
        match (leaf, is_leaf) {
            (Leaf::Elsewhere, true) => {
                let mut other = prefix;
                *other.last_mut().unwrap() ^= 1;
                items[0] = Item::Text(other);
            }
            (Leaf::Value(value), true) if common == key.len() => {
                items[1] = Item::Text(value.to_vec());
            }
            (_, false) if common == key.len() => {
                items[1] = self.below(items[1].clone(), &rest[common..], leaf);
            }
            // Nothing is there: a branch, where the two ways part.
            (Leaf::Value(value), _) => {
                let mut branch = vec![Item::Text(Vec::new()); 17];
                let old = match (&key[common + 1..], is_leaf) {
                    ([], false) => items[1].clone(),
                    (rest, _) => self.child(pair(rest, is_leaf, items[1].clone())),
                };
                branch[usize::from(key[common])] = old;
                let new = pair(&rest[common + 1..], true, Item::Text(value.to_vec()));
                branch[usize::from(rest[common])] = self.child(new);
                let branch = Item::List(branch);
                return match common {
                    0 => branch,
                    _ => pair(&rest[..common], false, self.child(branch)),
                };
            }
            (Leaf::Elsewhere, false) => panic!("nothing is there"),
        }
        Item::List(items)
    }

    fn below(&mut self, child: Item, rest: &[u8], leaf: Leaf<'_>) -> Item {
        let node = match (&child, leaf) {
            (Item::Text(hash), Leaf::Value(value)) if hash.is_empty() => {
                return self.child(pair(rest, true, Item::Text(value.to_vec())));
            }
            (Item::Text(hash), _) => Item::read(&self.0[&B256::from_slice(hash)]),
            (Item::List(_), _) => child.clone(),
        };
        let new = self.remade(node, rest, leaf);
        self.child(new)
    }

    /// A node as the one above it names it.
    fn child(&mut self, node: Item) -> Item {
        match node.write() {
            long if long.len() >= 32 => Item::Text(self.keep(long).to_vec()),
            _ => node,
        }
    }

    /// The nodes from the root to where `key` leads.
    fn proof(&self, root: B256, key: &[u8]) -> Vec<Bytes> {
        let path = path(key);
        let (mut proof, mut rest, mut next) = (Vec::new(), path.as_slice(), Some(root));
        while let Some(node) = next.and_then(|hash| self.0.get(&hash)) {
            proof.push(node.clone());
            next = None;
            let mut item = Item::read(node);
            while let Item::List(items) = item {
                let child = if items.len() == 17 {
                    let child = items[usize::from(rest[0])].clone();
                    rest = &rest[1..];
                    child
                } else {
                    let Item::Text(prefix) = &items[0] else { panic!("no path") };
                    let (key, is_leaf) = unpacked(prefix);
                    if is_leaf || !rest.starts_with(&key) {
                        break;
                    }
                    rest = &rest[key.len()..];
                    items[1].clone()
                };
                if let Item::Text(hash) = &child {
                    next = B256::try_from(hash.as_slice()).ok();
                }
                item = child;
            }
        }
        proof
    }
}

/// A leaf or an extension.
fn pair(path: &[u8], is_leaf: bool, value: Item) -> Item {
    let flag = if is_leaf { 2 } else { 0 };
    let halves = match path.len() % 2 {
        0 => [&[flag, 0], path].concat(),
        _ => [&[flag + 1], path].concat(),
    };
    let packed = halves.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    Item::List(vec![Item::Text(packed), value])
}

/// The path of a leaf or an extension, and whether it is a leaf.
fn unpacked(prefix: &[u8]) -> (Vec<u8>, bool) {
    let halves: Vec<u8> = prefix.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
    let skip = if halves[0] & 1 == 1 { 1 } else { 2 };
    (halves[skip..].to_vec(), halves[0] >= 2)
}

fn path(key: &[u8]) -> Vec<u8> {
    keccak256(key).iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

fn account(facts: &mut [AccountFacts], address: Address) -> &mut AccountFacts {
    facts.iter_mut().find(|account| account.address == address).unwrap()
}

/// One slot holds another value.
pub(crate) fn set_slot(facts: &mut [AccountFacts], address: Address, slot: U256, value: U256) {
    let account = account(facts, address);
    let mut nodes = Nodes::of(account.slots.iter().map(|slot| &slot.nodes));
    let encoded = alloy_rlp::encode(value);
    let key = slot.to_be_bytes::<32>();
    account.storage_hash = nodes.with(account.storage_hash, &key, Leaf::Value(&encoded));
    for known in &mut account.slots {
        known.nodes = nodes.proof(account.storage_hash, &known.slot.to_be_bytes::<32>());
        if known.slot == slot {
            known.value = value;
        }
    }
}

/// There is nothing at this address.
pub(crate) fn set_absent(facts: &mut [AccountFacts], address: Address) {
    let account = account(facts, address);
    (account.balance, account.nonce) = (U256::ZERO, 0);
    (account.code_hash, account.storage_hash) = (KECCAK256_EMPTY, EMPTY_ROOT);
    account.slots.clear();
}

/// Other code stands at this address.
pub(crate) fn set_code(facts: &mut [AccountFacts], address: Address, code: &[u8]) {
    account(facts, address).code_hash = keccak256(code);
}

/// At which end a state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Event,
    Block,
}

/// The first or last header has the state that its facts tell, and the headers after it stand on it.
pub(crate) fn with_state_of(bundle: &mut Bundle, trusted: &mut Trusted, end: End) {
    let last = bundle.headers.len() - 1;
    let (facts, place) = match end {
        End::Event => (&mut bundle.at_event, 0),
        End::Block => (&mut bundle.at_block, last),
    };
    let mut nodes = Nodes::of(facts.iter().map(|account| &account.nodes));
    let mut root = keccak256(&facts[0].nodes[0]);
    for account in facts.iter() {
        let fields: [&dyn Encodable; 4] =
            [&account.nonce, &account.balance, &account.storage_hash, &account.code_hash];
        let mut leaf = Vec::new();
        alloy_rlp::encode_list::<_, dyn Encodable>(&fields, &mut leaf);
        let is_absent = account.code_hash == KECCAK256_EMPTY && account.nonce == 0;
        let leaf = if is_absent { Leaf::Elsewhere } else { Leaf::Value(&leaf) };
        root = nodes.with(root, account.address.as_slice(), leaf);
    }
    for account in facts {
        account.nodes = nodes.proof(root, account.address.as_slice());
    }
    let mut parent = None;
    for (at, bytes) in bundle.headers.iter_mut().enumerate() {
        let mut header = Header::decode(&mut bytes.as_ref()).unwrap();
        header.parent_hash = parent.unwrap_or(header.parent_hash);
        if at == place {
            header.state_root = root;
        }
        *bytes = alloy_rlp::encode(&header).into();
        parent = Some(keccak256(&bytes));
    }
    trusted.block = parent.unwrap();
}
