// The script of the verify page, in Node: `node --test`. [EXP-10]
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkEvent, decodeRlp, encodeNumber, fromHex, keccak256, proven, toHex } from "../../indexer/assets/proof.js";

const ascii = (text) => new TextEncoder().encode(text);

/* A trie and a chain of our own, so that every tampering is one change. */

const concat = (...parts) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));
function rlp(item) {
  const body = Array.isArray(item) ? concat(...item.map(rlp)) : item;
  if (!Array.isArray(item) && body.length === 1 && body[0] < 0x80) return body;
  const offset = Array.isArray(item) ? 0xc0 : 0x80;
  if (body.length < 56) return concat([offset + body.length], body);
  const size = [];
  for (let rest = body.length; rest > 0; rest >>= 8) size.unshift(rest & 255);
  return concat([offset + 55 + size.length], size, body);
}
const fill = (byte, length) => new Uint8Array(length).fill(byte);

/** A block of two receipts; the event is the second log of the second. */
function told() {
  const log = (byte) => [fill(byte, 20), [fill(byte + 1, 32), fill(byte + 2, 32)], fill(byte + 3, 70)];
  const receipt = (logs) => concat([0x02], rlp([[1], [0x52, 0x08], fill(0, 256), logs].map((x) => (Array.isArray(x) && typeof x[0] === "number" ? Uint8Array.from(x) : x))));
  const receipts = [receipt([log(0x10)]), receipt([log(0x20), log(0x30)])];
  // Keys 0x80 and 0x01: one branch, nibbles 8 and 0.
  const leaf = (path, value) => rlp([Uint8Array.from(path), value]);
  const leaves = { 8: leaf([0x30], receipts[0]), 0: leaf([0x31], receipts[1]) };
  const branch = Array.from({ length: 17 }, (_, i) => (leaves[i] ? keccak256(leaves[i]) : new Uint8Array()));
  const root = rlp(branch);
  const fields = Array.from({ length: 20 }, (_, i) => fill(i + 1, 32));
  fields[5] = keccak256(root);
  fields[8] = Uint8Array.of(0x07);
  const header = rlp(fields);
  const hash = toHex(keccak256(header));
  const event = {
    block_hash: hash, block_number: 7, log_index: 2, contract: toHex(fill(0x30, 20)),
    topics: [toHex(fill(0x31, 32)), toHex(fill(0x32, 32))], data: toHex(fill(0x33, 70)),
  };
  const proof = { header: toHex(header), tx_index: 1, receipt: toHex(receipts[1]), proof: [root, leaves[0]].map(toHex), log_in_receipt: 1 };
  const block = { hash, number: "0x7" };
  return { event, proof, told: { url: "http://node", block, canonical: block, finalized: { number: "0x9" } } };
}

test("keccak-256 gives the known digests", () => {
  const vectors = {
    "": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    abc: "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    "Transfer(address,address,uint256)": "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
  };
  for (const [text, digest] of Object.entries(vectors)) assert.equal(toHex(keccak256(ascii(text))), `0x${digest}`);
  // Around the rate of 136 bytes, and a long one; digests of `cast keccak`.
  for (const [length, digest] of Object.entries(AT_LENGTHS)) {
    assert.equal(toHex(keccak256(fill(0x61, Number(length)))), `0x${digest}`, length);
  }
});

test("RLP is read in its one canonical form and in no other", () => {
  assert.deepEqual(decodeRlp(fromHex("0x83646f67")), ascii("dog"));
  assert.deepEqual(decodeRlp(fromHex("0xc88363617483646f67")), [ascii("cat"), ascii("dog")]);
  assert.deepEqual(decodeRlp(fromHex("0xc0")), []);
  for (const bad of ["0x", "0x83646f", "0x8100", "0xb801ff", "0xb800", "0xc883636174", "0x83646f6700", "0xc28363", "0xf80183", "0xbb"]) {
    assert.throws(() => decodeRlp(fromHex(bad)), undefined, bad);
  }
  assert.deepEqual([0, 1, 127, 128, 1024].map((n) => toHex(encodeNumber(n))), ["0x80", "0x01", "0x7f", "0x8180", "0x820400"]);
  assert.throws(() => encodeNumber(-1));
});

test("a true event holds, and what was trusted is told", () => {
  const { event, proof, told: heard } = told();
  const with_endpoint = checkEvent(event, proof, heard);
  assert.equal(with_endpoint.verdict, "yes", JSON.stringify(with_endpoint));
  assert.equal(with_endpoint.checks.length, 5);
  assert.match(with_endpoint.checks[4].trusted, /your endpoint http:\/\/node/);
  const without = checkEvent(event, proof, null);
  assert.equal(without.verdict, "server");
  assert.match(without.checks.at(-1).trusted, /this server/);
});

const flip = (hex, at = 20) => hex.slice(0, at) + (hex[at] === "0" ? "1" : "0") + hex.slice(at + 1);
const TAMPERED = {
  "another header": (t) => { t.proof.header = flip(t.proof.header); },
  "another block hash": (t) => { t.event.block_hash = flip(t.event.block_hash); },
  "another height": (t) => { t.event.block_number = 8; },
  "another receipt beside a true proof": (t) => { t.proof.receipt = flip(t.proof.receipt, 700); },
  "a changed trie node": (t) => { t.proof.proof[1] = flip(t.proof.proof[1], 700); },
  "a changed root node": (t) => { t.proof.proof[0] = flip(t.proof.proof[0]); },
  "a missing trie node": (t) => { t.proof.proof.pop(); },
  "no trie node": (t) => { t.proof.proof = []; },
  "another transaction": (t) => { t.proof.tx_index = 0; },
  "a transaction that is not there": (t) => { t.proof.tx_index = 2; },
  "another log of the receipt": (t) => { t.proof.log_in_receipt = 0; },
  "a log that is not there": (t) => { t.proof.log_in_receipt = 2; },
  "another contract": (t) => { t.event.contract = flip(t.event.contract); },
  "another topic": (t) => { t.event.topics[1] = flip(t.event.topics[1]); },
  "a topic less": (t) => { t.event.topics.pop(); },
  "other data": (t) => { t.event.data = flip(t.event.data); },
  "cut data": (t) => { t.event.data = t.event.data.slice(0, -2); },
  "a header that is no hex": (t) => { t.proof.header = "0xzz"; },
  "an endpoint that does not know the block": (t) => { t.told.block = null; },
  "an endpoint that tells another block": (t) => { t.told.block = { hash: flip(t.event.block_hash), number: "0x7" }; },
  "an endpoint that has it at another height": (t) => { t.told.block = { hash: t.event.block_hash, number: "0x8" }; },
  "an endpoint where another block is canonical": (t) => { t.told.canonical = { hash: flip(t.event.block_hash), number: "0x7" }; },
};
for (const [what, tamper] of Object.entries(TAMPERED)) {
  test(`no: ${what}`, () => {
    const all = told();
    tamper(all);
    const { verdict, checks } = checkEvent(all.event, all.proof, all.told);
    assert.equal(verdict, "no");
    assert.equal(checks.filter((check) => !check.ok).length, 1, "it names the one check that failed");
  });
}

test("what is not finalized yet is told as such", () => {
  const all = told();
  all.told.finalized = { number: "0x6" };
  const { verdict, checks } = checkEvent(all.event, all.proof, all.told);
  assert.equal(verdict, "yes");
  assert.match(checks[4].found, /not finalized/);
});

test("a short value stands inside its branch", () => {
  // A leaf of fewer than 32 bytes is no hash in its parent but the node itself.
  const leaf = [Uint8Array.of(0x31), ascii("v")];
  const branch = Array.from({ length: 17 }, (_, i) => (i === 0 ? leaf : new Uint8Array()));
  const root = rlp(branch);
  assert.deepEqual(proven(keccak256(root), Uint8Array.of(0x01), [root]), ascii("v"));
  assert.throws(() => proven(keccak256(root), Uint8Array.of(0x02), [root]));
  assert.throws(() => proven(keccak256(root), Uint8Array.of(0x11), [root]));
});

const AT_LENGTHS = {
  135: "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446",
  136: "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e",
  137: "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39",
  272: "cf7fcd4f705ee749930d19ca84561a9bf62516bd90a471545fa2f49fdc7e63c8",
  1000: "b6a4ac1f51884d71f30fa397a5e155de3099e11fc0edef5d08b646e621e19de9",
  25071: "d5683e58ac1d31d6d0a3f55b9a24b8ac48b2ed07b7dfa5a82fc1f01ed912e03c",
};
