// Proposals, texts and the wallet in a real browser. Run by ./script/story explorer; with SHOTS=folder it leaves pictures.
import { readFileSync, mkdirSync } from "node:fs";
import { check, complaints, end, facts, launch, must } from "./driver.mjs";

const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const shots = process.env.SHOTS;
const PAGES = {
  proposals: "/proposals",
  upgrade: `/proposals/${facts.upgrade}`,
  hostile: `/proposals/${facts.hostile}`,
  open: `/proposals/${facts.open}`,
  text: `/texts/${facts.new}?against=${facts.old}`,
  report: `/texts/${facts.report}`,
  unsent: `/texts/${facts.next}`,
  "app-voted": `/apps/${facts.app}`,
};
const HEAVIEST = 100_000;

const browser = await launch();
const at = (path) => facts.base + path;

/** A wallet as a page sees one: it asks the anvil of the story, which has the account unlocked. */
async function wallet(context, { chain = facts.chain, refuse = false } = {}) {
  const asked = [];
  await context.exposeFunction("askAnvil", async (method, params) => {
    asked.push({ method, params });
    if (method === "eth_requestAccounts") return [facts.voter];
    if (method === "eth_chainId") return "0x" + Number(chain).toString(16);
    if (refuse) throw new Error("User rejected the request.");
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const answer = await (await fetch(facts.rpc, { method: "POST", headers: { "content-type": "application/json" }, body })).json();
    if (answer.error) throw new Error(answer.error.message);
    return answer.result;
  });
  await context.addInitScript(() => {
    globalThis.ethereum = { request: ({ method, params }) => globalThis.askAnvil(method, params ?? []) };
  });
  return asked;
}

async function look(options, body) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  try {
    await body(await context.newPage(), context);
  } finally {
    await context.close();
  }
}

async function open(page, name) {
  const response = await page.goto(at(PAGES[name]), { waitUntil: "load" });
  must(response.status() === 200, `status ${response.status()}`);
  must((await response.body()).length < HEAVIEST, "too heavy [EXP-9]");
  must((await page.locator("h1").count()) === 1, "not one h1");
  const commands = await page.locator(".check code").allInnerTexts();
  must(commands.length > 0 && commands.every((line) => /^(curl|cast|quorate) /.test(line)), `commands [EXP-8]: ${commands}`);
  return page.locator("main").innerText();
}

async function shoot(page, name, how) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: `${shots}/${name}-${how}.png`, fullPage: true });
}

for (const colorScheme of ["light", "dark"]) {
  await look({ colorScheme }, async (page, context) => {
    await wallet(context);
    const heard = complaints(page);
    for (const name of Object.keys(PAGES)) {
      await check(`${name}, ${colorScheme}`, async () => {
        await open(page, name);
        must(heard.length === 0, heard.splice(0).join("\n"));
        await shoot(page, name, colorScheme);
        const found = await page.evaluate(`(() => { ${axe}; return axe.run(document, { resultTypes: ["violations"] }); })()`);
        heard.splice(0);
        const serious = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
        must(serious.length === 0, serious.map((v) => `axe ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`).join("\n"));
      });
    }
  });
}

await look({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true }, async (page) => {
  for (const name of Object.keys(PAGES)) {
    await check(`${name}, phone`, async () => {
      await open(page, name);
      const [wide, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      must(wide <= window_, `${wide} pixels wide on a phone of ${window_}`);
      await shoot(page, name, "phone");
    });
  }
});

await look({ javaScriptEnabled: false }, async (page, context) => {
  await check("what was carried out: calls, text, votes, report, all without scripts", async () => {
    const list = await open(page, "proposals");
    must(list.includes("Upgrade to v2") && list.includes("✓ agree") && list.includes("✗ differ"), list);
    await page.click("text=Upgrade to v2");
    const text = await page.locator("main").innerText();
    for (const words of [
      "executed", "The text names what the calls approve, and nothing else", "AllowlistPolicy.approveComposeHash", facts.new,
      "Why: the new image answers <b>faster</b>.", "The proposer’s report", "for", "5 voters",
    ]) must(text.includes(words), `it lacks ${words}:\n${text}`);
    must((await page.locator("svg.ballots").getAttribute("aria-label")).includes("5 for, 5 voters; 0 against"), "the picture has other words");
    must((await page.locator(".prose del").count()) > 0 && (await page.locator(".prose ins").count()) > 0, "no difference is shown");
    must((await page.locator(".check code").allInnerTexts()).some((line) => line.includes(`simulate --proposal ${facts.upgrade}`)), "no command for a simulation");
    must(!(await page.locator("#wallet").count()), "a closed vote is offered");
  });

  await check("a text that hides what the calls do is told in words, and nothing of it is HTML", async () => {
    const text = await open(page, "hostile");
    for (const words of ["✗ The text does not say what the calls do", "0xeeeeeeee", "Unknown call", "1 ether along"]) must(text.includes(words), `it lacks ${words}:\n${text}`);
    must(text.includes("<script>alert(1)</script>") && !(await page.locator("main script").count()), "HTML of the proposer");
    must(!(await page.locator("main a[href^=javascript]").count()), "a link of the proposer");
  });

  await check("without scripts no wallet is offered", async () => {
    await open(page, "open");
    must(!(await page.locator("#wallet").isVisible()), "it is");
  });

  await check("the text behind a hash: what it declares, what changed, who may send it", async () => {
    const text = await open(page, "text");
    for (const words of ["Service web", "image", "what changed", "docker_compose_file:"]) must(text.toLowerCase().includes(words.toLowerCase()), `it lacks ${words}:\n${text}`);
    must((await page.locator(".lines ins").count()) > 0, "nothing changed");
    must((await open(page, "report")).includes("Report of a simulation"), "no report");
  });
});

await look({}, async (page) => {
  await check("without a wallet no button is seen", async () => {
    await open(page, "open");
    must(!(await page.locator("#wallet").isVisible()), "it is");
  });
});

await look({}, async (page, context) => {
  await wallet(context);
  await check("on paper: text, calls and commands, no wallet", async () => {
    await open(page, "open");
    await page.emulateMedia({ media: "print" });
    must(!(await page.locator("#wallet").isVisible()) && !(await page.locator("nav").isVisible()), "controls");
    must(await page.locator(".call").first().isVisible() && await page.locator(".check").isVisible(), "no calls or commands");
    await shoot(page, "open", "print");
  });
});

await look({}, async (page, context) => {
  const asked = await wallet(context, { chain: 1 });
  await check("a wallet on another chain is asked for nothing", async () => {
    await open(page, "open");
    await page.click("button[data-support=for]");
    await page.click("#sign");
    await page.waitForFunction(() => document.getElementById("said").textContent.includes("on chain 1"));
    must(!asked.some(({ method }) => method === "eth_sendTransaction"), "it was asked to sign");
  });
});

await look({}, async (page, context) => {
  await wallet(context);
  await check("a vote for a text that hides something is not offered", async () => {
    await open(page, "hostile");
    must(await page.locator("#wallet").isVisible(), "no wallet");
    const offered = await page.locator("[data-calldata]").evaluateAll((all) => all.map((b) => b.dataset.support));
    must(offered.join() === "against,abstain", offered.join());
  });
});

await look({}, async (page, context) => {
  const asked = await wallet(context, { refuse: true });
  await check("bytes that say another vote than the button are not asked for; a refusal is told", async () => {
    await open(page, "open");
    await page.evaluate(() => {
      const [yes, no] = ["for", "against"].map((vote) => document.querySelector(`button[data-support=${vote}]`));
      no.dataset.calldata = yes.dataset.calldata;
    });
    await page.click("button[data-support=against]");
    must((await page.locator("#said").innerText()).includes("the bytes say another vote"), "they are shown as a vote");
    must(!(await page.locator("#ask").isVisible()), "they may be signed");
    await page.click("button[data-support=for]");
    await page.click("#sign");
    await page.waitForFunction(() => document.getElementById("said").textContent.includes("User rejected"));
    must(asked.filter(({ method }) => method === "eth_sendTransaction").length === 1, "asked again");
  });
});

await look({}, async (page, context) => {
  const asked = await wallet(context);
  await check("a wallet votes on what stands on the page", async () => {
    await open(page, "open");
    await page.click("button[data-support=for]");
    const shown = await page.locator("#ask").innerText();
    const button = await page.locator("button[data-support=for]").getAttribute("data-calldata");
    for (const words of ["castVote(proposalId, support)", facts.open, "for", facts.governor.toLowerCase(), button]) must(shown.includes(words), `${words} is not shown:\n${shown}`);
    must(asked.length === 0, "the wallet was asked before");
    await shoot(page, "wallet", "light");
    await page.click("#sign");
    await page.waitForFunction(() => /Sent as 0x|Nothing was sent/.test(document.getElementById("said").textContent));
    const said = await page.locator("#said").innerText();
    must(said.includes("Sent as 0x"), said);
    const [sent] = asked.find(({ method }) => method === "eth_sendTransaction").params;
    must(sent.data === button && sent.to === facts.governor.toLowerCase() && sent.from === facts.voter, JSON.stringify(sent));
  });
});

await browser.close();
end();
