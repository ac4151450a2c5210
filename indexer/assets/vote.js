// A vote from the reader's own wallet (EIP-1193). Nothing is asked of the wallet that does not stand on the page, read back from
// the very bytes. Without a wallet the section stays hidden.
const wallet = globalThis.ethereum;
const place = document.getElementById("wallet");
const CAST_VOTE = "56781388"; // castVote(uint256,uint8)
const WORDS = ["against", "for", "abstain"];

/** Proposal and vote, from the calldata of castVote; an exception for any other bytes. */
export function read(calldata) {
  const found = new RegExp(`^0x${CAST_VOTE}([0-9a-f]{64})([0-9a-f]{64})$`).exec(calldata);
  const support = found && BigInt(`0x${found[2]}`);
  if (!found || support > 2n) throw new Error("these bytes are no vote");
  return { proposal: BigInt(`0x${found[1]}`), support: WORDS[Number(support)] };
}

function say(words) {
  document.getElementById("said").textContent = words;
}

function show(id, text) {
  document.getElementById(id).textContent = text;
}

const ask = document.getElementById("ask");
let chosen = null;

function choose(button) {
  const { governor, chain, proposal } = place.dataset;
  const calldata = button.dataset.calldata;
  const vote = read(calldata);
  if (vote.proposal !== BigInt(proposal) || vote.support !== button.dataset.support) throw new Error("the bytes say another vote than the button");
  show("said-call", "castVote(proposalId, support)");
  show("said-proposal", String(vote.proposal));
  show("said-support", vote.support);
  show("said-to", governor);
  show("said-chain", chain);
  show("said-data", calldata);
  chosen = { to: governor, data: calldata, value: "0x0" };
  ask.hidden = false;
  say("");
  document.getElementById("sign").focus();
}

async function send() {
  const [from] = await wallet.request({ method: "eth_requestAccounts" });
  if (!from) throw new Error("the wallet names no account");
  const chain = BigInt(await wallet.request({ method: "eth_chainId" }));
  if (chain !== BigInt(place.dataset.chain)) throw new Error(`the wallet is on chain ${chain}, this network on chain ${place.dataset.chain}: switch it, then ask again`);
  say(`The wallet asks ${from}…`);
  const hash = await wallet.request({ method: "eth_sendTransaction", params: [{ ...chosen, from }] });
  ask.hidden = true;
  say(`Sent as ${hash}. The vote stands here once its block is indexed.`);
}

/** Runs what a button does; whatever goes wrong is said. */
async function tell(body) {
  try {
    await body();
  } catch (error) {
    say(`Nothing was sent: ${error.message ?? error}`);
  }
}

if (wallet && place) {
  place.hidden = false;
  for (const button of place.querySelectorAll("[data-calldata]")) {
    button.addEventListener("click", () => tell(() => choose(button)));
  }
  document.getElementById("sign").addEventListener("click", () => tell(send));
  document.getElementById("back").addEventListener("click", () => {
    chosen = null;
    ask.hidden = true;
  });
}
