// The verify page: takes event and proof from this server, the block from the reader's endpoint, and shows each check.
import { checkEvent } from "./proof.js";

const form = document.getElementById("verify");
const outcome = document.getElementById("outcome");

const VERDICTS = {
  yes: ["good", "✓ Yes.", "The event is on the chain that your endpoint follows, exactly as it is shown here."],
  server: ["open", "○ Yes, if the block hash is true.", "The event is in the block of that hash. That this block is on the chain is only this server’s word: name an endpoint of your own."],
  no: ["bad", "✗ No.", "A check failed: do not rely on what this server says of the event."],
};

/** An element with text; nothing that was told is ever read as HTML. */
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function getJson(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? `${path}: ${response.status}`);
  return body;
}

async function ask(url, method, params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error.message);
  return answer.result ?? null;
}

/** What the endpoint says of the block: by hash, by height, and how far finality is. */
async function told(url, event) {
  const height = "0x" + event.block_number.toString(16);
  const block = await ask(url, "eth_getBlockByHash", [event.block_hash, false]);
  const canonical = await ask(url, "eth_getBlockByNumber", [height, false]);
  const finalized = await ask(url, "eth_getBlockByNumber", ["finalized", false]).catch(() => null);
  return { url, block, canonical, finalized };
}

function show({ checks, verdict }, event) {
  const [className, word, words] = VERDICTS[verdict];
  const head = element("p", undefined, `verdict ${className}`);
  head.dataset.verdict = verdict;
  head.append(element("b", word), ` ${words}`);
  const list = element("ol", undefined, "checks");
  for (const check of checks) {
    const item = element("li", undefined, check.ok ? "good" : "bad");
    item.append(element("b", `${check.ok ? "✓" : "✗"} ${check.what}`), element("span", check.found, "text"));
    item.append(element("span", `Trusted for it: ${check.trusted}`, "faint"));
    list.append(item);
  }
  const name = element("p", `${event.name ?? "Event"}, block ${event.block_number}, `);
  const link = element("a", "as it is shown");
  link.href = `/events/${event.block_hash}/${event.log_index}`;
  name.append(link);
  outcome.replaceChildren(head, name, list);
}

function fail(message) {
  const line = element("p", undefined, "verdict bad");
  line.dataset.verdict = "fault";
  line.append(element("b", "✗ Not checked."), ` ${message}`);
  outcome.replaceChildren(line);
}

async function verify() {
  const [block, log, rpc] = ["block", "log", "rpc"].map((name) => form.elements.namedItem(name).value.trim());
  if (!/^0x[0-9a-fA-F]{64}$/.test(block) || !/^[0-9]{1,9}$/.test(log)) {
    return fail("A block hash is 0x and 64 digits, a log a number.");
  }
  outcome.replaceChildren(element("p", "Checking…", "faint"));
  try {
    const here = `/v1/events/${block}/${log}`;
    const [{ event }, proof] = await Promise.all([getJson(here), getJson(`${here}/proof`)]);
    if (event.block_hash.toLowerCase() !== block.toLowerCase() || event.log_index !== Number(log)) {
      return fail("This server told another event than was asked for.");
    }
    const heard = rpc === "" ? null : await told(rpc, event).catch((error) => {
      throw new Error(`your endpoint does not answer: ${error.message}`);
    });
    show(checkEvent(event, proof, heard), event);
  } catch (error) {
    fail(error.message);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  verify();
});
if (form.elements.namedItem("block").value && form.elements.namedItem("log").value) verify();
