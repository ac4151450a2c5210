// Checks an event against a block hash: keccak-256, RLP, the receipt trie. Nothing is loaded and nobody is asked; the caller
// brings what it was told, and learns of each check what it rests on. Spec: docs/spec/explorer.md [EXP-10].
// Also run by Node: anvil-tests/browser/proof.test.mjs.

/* BYTES */

/** Bytes of 0x-hex; throws if it is anything else. */
export function fromHex(text) {
  if (typeof text !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(text)) throw new Error("not hex");
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

export function toHex(bytes) {
  return "0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const isEqual = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/* KECCAK-256: Keccak-f[1600] with rate 136 and padding 0x01 … 0x80. A lane is two halves of 32 bits, the lower first. */

const ROUND_CONSTANTS = (() => {
  // From the linear feedback shift register of the Keccak reference.
  const constants = [];
  let register = 1;
  for (let round = 0; round < 24; round++) {
    const halves = [0, 0];
    for (let j = 0; j < 7; j++) {
      const bit = (1 << j) - 1;
      if (register & 1) halves[bit >> 5] |= 1 << (bit & 31);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
    constants.push(halves);
  }
  return constants;
})();

/** Of each step of rho and pi: how far the lane turns, and where it goes. */
const TURNS = (() => {
  const turns = [];
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    turns.push([((t + 1) * (t + 2) / 2) % 64, x + 5 * y]);
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return turns;
})();

function turn(low, high, by) {
  if (by >= 32) [low, high, by] = [high, low, by - 32];
  if (by === 0) return [low, high];
  return [(low << by) | (high >>> (32 - by)), (high << by) | (low >>> (32 - by))];
}

function permute(state) {
  const column = new Int32Array(10);
  const row = new Int32Array(10);
  for (let round = 0; round < 24; round++) {
    for (let x = 0; x < 10; x++) {
      column[x] = state[x] ^ state[x + 10] ^ state[x + 20] ^ state[x + 30] ^ state[x + 40];
    }
    for (let x = 0; x < 5; x++) {
      const after = 2 * ((x + 1) % 5);
      const before = 2 * ((x + 4) % 5);
      const [low, high] = turn(column[after], column[after + 1], 1);
      for (let y = 0; y < 50; y += 10) {
        state[2 * x + y] ^= column[before] ^ low;
        state[2 * x + y + 1] ^= column[before + 1] ^ high;
      }
    }
    // Each lane goes to the place of the next one: (x, y) to (y, 2x + 3y).
    let [low, high] = [state[2], state[3]];
    for (let t = 0; t < 24; t++) {
      const to = 2 * TURNS[(t + 1) % 24][1];
      const [nextLow, nextHigh] = [state[to], state[to + 1]];
      [state[to], state[to + 1]] = turn(low, high, TURNS[t][0]);
      [low, high] = [nextLow, nextHigh];
    }
    for (let y = 0; y < 50; y += 10) {
      row.set(state.subarray(y, y + 10));
      for (let x = 0; x < 10; x++) state[y + x] = row[x] ^ (~row[(x + 2) % 10] & row[(x + 4) % 10]);
    }
    state[0] ^= ROUND_CONSTANTS[round][0];
    state[1] ^= ROUND_CONSTANTS[round][1];
  }
}

export function keccak256(bytes) {
  const rate = 136;
  const padded = new Uint8Array((Math.floor(bytes.length / rate) + 1) * rate);
  padded.set(bytes);
  padded[bytes.length] ^= 0x01;
  padded[padded.length - 1] ^= 0x80;
  const words = new DataView(padded.buffer);
  const state = new Int32Array(50);
  for (let block = 0; block < padded.length; block += rate) {
    for (let i = 0; i < rate / 4; i++) state[i] ^= words.getInt32(block + 4 * i, true);
    permute(state);
  }
  const digest = new DataView(new ArrayBuffer(32));
  for (let i = 0; i < 8; i++) digest.setInt32(4 * i, state[i], true);
  return new Uint8Array(digest.buffer);
}

/* RLP: bytes or a list of items; only the one canonical encoding. */

/** The item that all of `bytes` encode. */
export function decodeRlp(bytes) {
  const [item, end] = readItem(bytes, 0);
  if (end !== bytes.length) throw new Error("RLP: bytes after the end");
  return item;
}

function readItem(bytes, at) {
  if (at >= bytes.length) throw new Error("RLP: cut off");
  const first = bytes[at];
  if (first < 0x80) return [bytes.slice(at, at + 1), at + 1];
  const isList = first >= 0xc0;
  const short = first - (isList ? 0xc0 : 0x80);
  let [length, start] = [short, at + 1];
  if (short > 55) {
    const size = short - 55;
    if (size > 4 || bytes[start] === 0 || start + size > bytes.length) throw new Error("RLP: length");
    length = bytes.slice(start, start + size).reduce((sum, byte) => sum * 256 + byte, 0);
    start += size;
    if (length < 56) throw new Error("RLP: not canonical");
  }
  const end = start + length;
  if (end > bytes.length) throw new Error("RLP: cut off");
  if (!isList) {
    if (length === 1 && bytes[start] < 0x80) throw new Error("RLP: not canonical");
    return [bytes.slice(start, end), end];
  }
  const items = [];
  while (start < end) {
    const [item, next] = readItem(bytes, start);
    items.push(item);
    start = next;
  }
  if (start !== end) throw new Error("RLP: a list cut off");
  return [items, end];
}

/** RLP of a number: the key of a receipt in its trie. */
export function encodeNumber(number) {
  if (!Number.isSafeInteger(number) || number < 0) throw new Error("not a number");
  const digits = [];
  for (let rest = number; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return digits.length === 1 && digits[0] < 0x80
    ? Uint8Array.of(digits[0])
    : Uint8Array.of(0x80 + digits.length, ...digits);
}

const toNumber = (bytes) => {
  if (bytes.length > 6 || bytes[0] === 0) throw new Error("RLP: a number");
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
};

/* THE TRIE: from a root, by hash from node to node along the nibbles of the key. */

const nibbles = (bytes) => Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);

/** The value at `key` under `root`; throws where the nodes do not lead there. */
export function proven(root, key, nodes) {
  let path = nibbles(key);
  let wanted = root;
  for (const encoded of nodes) {
    // A root is always a hash; so is every child that stands in a node of its own.
    if (!isEqual(keccak256(encoded), wanted)) throw new Error("a trie node is not the one that its parent names");
    let node = decodeRlp(encoded);
    for (;;) {
      const step = descend(node, path);
      if (step.value) return step.value;
      path = step.path;
      if (step.child.length === 32 && !Array.isArray(step.child)) {
        wanted = step.child;
        break;
      }
      // A child shorter than a hash stands inside its parent.
      if (!Array.isArray(step.child)) throw new Error("the trie ends before the receipt");
      node = step.child;
    }
  }
  throw new Error("a trie node is missing");
}

function descend(node, path) {
  if (Array.isArray(node) && node.length === 17) {
    if (path.length === 0) return { value: node[16] };
    return { child: node[path[0]], path: path.slice(1) };
  }
  if (!Array.isArray(node) || node.length !== 2) throw new Error("not a trie node");
  const [prefix, isLeaf] = compact(node[0]);
  const isOnPath = prefix.every((nibble, i) => nibble === path[i]);
  if (!isOnPath || (isLeaf && prefix.length !== path.length)) throw new Error("the trie leads elsewhere");
  return isLeaf ? { value: node[1] } : { child: node[1], path: path.slice(prefix.length) };
}

function compact(bytes) {
  const all = nibbles(bytes);
  const flag = all[0];
  if (flag === undefined || flag > 3 || (flag % 2 === 0 && all[1] !== 0)) throw new Error("not a trie node");
  return [all.slice(flag % 2 === 1 ? 1 : 2), flag >= 2];
}

/* THE EVENT */

const SERVER = "this server";
const NOBODY = "nobody: computed in this browser";

/**
 * Every check of an event, in order, up to the first that fails.
 * `event` and `proof` are the server's; `told` is what the reader's endpoint says of the block, or null.
 */
export function checkEvent(event, proof, told) {
  const checks = [];
  const check = (what, trusted, body) => {
    try {
      checks.push({ what, trusted, ok: true, found: body() });
      return true;
    } catch (error) {
      checks.push({ what, trusted, ok: false, found: error.message });
      return false;
    }
  };
  const must = (holds, otherwise) => { if (!holds) throw new Error(otherwise); };
  let header, receipt;
  const isWhole =
    check("The header has the block’s hash", NOBODY, () => {
      const bytes = fromHex(proof.header);
      must(toHex(keccak256(bytes)) === event.block_hash.toLowerCase(), "the header has another hash");
      header = decodeRlp(bytes);
      must(Array.isArray(header) && header.length >= 15, "not a header");
      must(toNumber(header[8]) === event.block_number, "the header has another number");
      return event.block_hash;
    }) &&
    check("The receipt is under the header’s receiptsRoot", NOBODY, () => {
      const nodes = proof.proof.map(fromHex);
      const value = proven(header[5], encodeNumber(proof.tx_index), nodes);
      must(isEqual(value, fromHex(proof.receipt)), "another receipt stands there");
      // What is read from here on is what the trie holds, not what was told beside it.
      receipt = decodeRlp(value[0] < 0x80 ? value.slice(1) : value);
      return `transaction ${proof.tx_index}, receiptsRoot ${toHex(header[5])}`;
    }) &&
    check("The receipt holds the event, as it is shown", NOBODY, () => {
      must(Array.isArray(receipt) && receipt.length === 4, "not a receipt");
      const log = receipt[3][proof.log_in_receipt];
      must(Array.isArray(log) && log.length === 3, "the receipt has no log at that place");
      must(toHex(log[0]) === event.contract.toLowerCase(), "another contract emitted it");
      const topics = log[1].map(toHex);
      const isSame = topics.length === event.topics.length && topics.every((topic, i) => topic === event.topics[i].toLowerCase());
      must(isSame, "it has other topics");
      must(toHex(log[2]) === event.data.toLowerCase(), "it has other data");
      return `log ${proof.log_in_receipt} of the receipt`;
    });
  if (!isWhole) return { checks, verdict: "no" };
  if (!told) {
    checks.push({ what: "The block is on the chain", trusted: SERVER, ok: true, found: "no endpoint was named: this server’s word" });
    return { checks, verdict: "server" };
  }
  const endpoint = `your endpoint ${told.url}`;
  const isThere =
    check("Your endpoint has the block", endpoint, () => {
      must(told.block !== null, "it knows no block of that hash");
      must(told.block.hash.toLowerCase() === event.block_hash.toLowerCase(), "it told another block");
      must(Number(told.block.number) === event.block_number, "it has it at another height");
      return `block ${event.block_number}`;
    }) &&
    check("It is on the canonical chain", endpoint, () => {
      must(told.canonical?.hash?.toLowerCase() === event.block_hash.toLowerCase(), "another block is canonical at that height: a reorg took it away");
      const isFinal = told.finalized && Number(told.finalized.number) >= event.block_number;
      return isFinal ? "finalized" : "not finalized yet: a reorg may take it away";
    });
  return { checks, verdict: isThere ? "yes" : "no" };
}
