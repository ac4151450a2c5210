// The verify page: yes, "this server's word", and no. Run by ./script/story explorer.
import { check, complaints, end, facts, launch, must } from "./driver.mjs";

const browser = await launch();
const path = `/verify?block=${facts.issued.block_hash}&log=${facts.issued.log_index}`;
const api = `**/v1/events/${facts.issued.block_hash}/${facts.issued.log_index}`;
const flip = (hex) => hex.slice(0, -1) + (hex.endsWith("0") ? "1" : "0");

/** What the page says, with `rpc` named and `meddle` between it and whoever it asks. */
async function says({ rpc, meddle }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const heard = complaints(page);
  await meddle?.(page);
  await page.goto(facts.base + path);
  await page.waitForSelector("[data-verdict]");
  if (rpc) {
    await page.fill("input[name=rpc]", rpc);
    await page.click("#verify button");
    await page.waitForSelector("[data-verdict]:not([data-verdict=server])");
  }
  const verdict = await page.locator("[data-verdict]").getAttribute("data-verdict");
  const text = await page.locator("#outcome").innerText();
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/verify-${verdict}.png`, fullPage: true });
  await context.close();
  return { verdict, text, heard };
}

/** Changes what the server answers, on its way. */
const change = (address, edit) => (page) =>
  page.route(address, async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    edit(body);
    await route.fulfill({ response, json: body });
  });

await check("yes, by an endpoint that the reader names", async () => {
  const { verdict, text, heard } = await says({ rpc: facts.rpc });
  must(verdict === "yes", text);
  must(text.includes(`your endpoint ${facts.rpc}`) && text.includes("nobody: computed in this browser"), "who was trusted for what is not told");
  must((text.match(/✓/g) ?? []).length >= 6, text);
  must(heard.length === 0, heard.join("\n"));
});

await check("without an endpoint it is this server's word", async () => {
  const { verdict, text } = await says({});
  must(verdict === "server" && text.includes("Trusted for it: this server"), text);
});

const no = async (what, options, words) => check(`no: ${what}`, async () => {
  const { verdict, text } = await says(options);
  must(verdict === "no" && text.includes(words), `${verdict}: ${text}`);
});

const event = (edit) => ({ meddle: change(api, (body) => edit(body.event)) });
const proof = (edit) => ({ meddle: change(`${api}/proof`, edit) });
await no("another app in the event", event((e) => { e.topics[1] = flip(e.topics[1]); }), "other topics");
await no("other data", event((e) => { e.data = flip(e.data); }), "other data");
await no("another contract", event((e) => { e.contract = flip(e.contract); }), "another contract");
await no("another receipt", proof((p) => { p.receipt = flip(p.receipt); }), "another receipt");
await no("another header", proof((p) => { p.header = flip(p.header); }), "another hash");
await no("another transaction", proof((p) => { p.tx_index += 1; }), "✗");
await no("a node of the trie", proof((p) => { p.proof[0] = flip(p.proof[0]); }), "trie node");

const told = (edit) => (page) =>
  page.route(`${facts.rpc}/**`, async (route) => {
    const request = route.request().postDataJSON();
    const response = await route.fetch();
    const body = await response.json();
    edit(request, body);
    await route.fulfill({ response, json: body });
  });
await no("an endpoint that does not have the block", {
  rpc: facts.rpc,
  meddle: told((request, body) => { if (request.method === "eth_getBlockByHash") body.result = null; }),
}, "knows no block");
await no("an endpoint on another branch", {
  rpc: facts.rpc,
  meddle: told((request, body) => {
    if (request.method === "eth_getBlockByNumber" && request.params[0] !== "finalized") body.result.hash = flip(body.result.hash);
  }),
}, "a reorg took it away");

await check("an endpoint that does not answer is no verdict", async () => {
  const { verdict, text } = await says({ rpc: "http://127.0.0.1:9/" });
  must(verdict === "fault" && text.includes("does not answer"), text);
});

/** Brings a file to the form, which needs no script. */
async function brings(name, bytes) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 844 }, isMobile: true });
  const page = await context.newPage();
  const heard = complaints(page);
  await page.goto(`${facts.base}/verify`);
  await page.setInputFiles("input[name=file]", { name, mimeType: "application/octet-stream", buffer: bytes });
  await page.click("text=Verify the file");
  const verdict = await page.locator("[data-file]").getAttribute("data-file");
  const [text, wide] = [await page.locator("main").innerText(), await page.evaluate("document.documentElement.scrollWidth")];
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/file-${verdict}.png`, fullPage: true });
  await context.close();
  must(wide <= 390, `${wide} pixels wide on a phone`);
  must(heard.length === 0, heard.join("\n"));
  return { verdict, text };
}

await check("an enclave's evidence, field by field, and no for a changed byte [EXP-14]", async () => {
  const answer = await fetch(`${facts.base}/v1/evidence/${facts.issued.args.evidenceHash}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { verdict, text } = await brings("evidence.bin", bytes);
  must(verdict === "ok" && text.includes("RTMR3") && text.includes(facts.issuance), text);
  bytes[400] ^= 1;
  const forged = await brings("evidence.bin", bytes);
  must(forged.verdict === "quote" && forged.text.includes("It does not hold"), forged.text);
});

await browser.close();
end();
