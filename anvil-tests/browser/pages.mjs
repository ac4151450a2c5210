// Every page in a real browser. Run by ./script/story explorer; with SHOTS=folder it also leaves a picture of each.
import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { check, complaints, end, facts, launch, must, place } from "./driver.mjs";

const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const shots = process.env.SHOTS;

const PAGES = {
  overview: "/",
  timeline: "/events",
  event: `/events/${place(facts.issued)}`,
  block: `/blocks/${facts.issued.block_hash}`,
  apps: "/apps",
  app: `/apps/${facts.app}`,
  "app-before": `/apps/${facts.app}?at=${facts.revoked.block_number - 1}`,
  "app-waiting": `/apps/${facts.waiting}`,
  "app-foreign": `/apps/${facts.foreign}`,
  "app-frozen": `/apps/${facts.frozen}`,
  issuances: "/issuances",
  issuance: `/issuances/${facts.issuance}`,
  revocations: "/revocations",
  revocation: `/revocations/${place(facts.revoked)}`,
  committee: "/committee",
  roots: "/roots",
  trails: "/contracts",
  trail: `/contracts/${facts.registry}`,
  search: `/search?q=${facts.code}`,
  export: "/export",
  verify: `/verify?block=${facts.issued.block_hash}&log=${facts.issued.log_index}`,
  missing: "/nonsense",
};

const browser = await launch();
const linked = new Set();
const at = (path) => facts.base + path;

async function look(colorScheme, body, options = {}) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  try {
    await body(page, context);
  } finally {
    await context.close();
  }
}

/** Opens a page, and holds it to what every page has. */
async function open(page, name) {
  const response = await page.goto(at(PAGES[name]), { waitUntil: "load" });
  must(response.status() === (name === "missing" ? 404 : 200), `status ${response.status()}`);
  const text = await page.locator("body").innerText();
  must(text.includes("As of block") && text.includes("Finalized up to block"), "no block that it stands for [EXP-1]");
  must(text.includes("software") && text.includes("no consensus proves"), "no warning of what is weak [EXP-3]");
  must((await page.locator("h1").count()) === 1, "not one h1");
  if (!["search", "missing"].includes(name)) {
    const commands = await page.locator(".check code").allInnerTexts();
    must(commands.length > 0 && commands.every((line) => /^(curl|cast|quorate) /.test(line)), `commands [EXP-8]: ${commands}`);
  }
  return text;
}

async function shoot(page, name, how) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: `${shots}/${name}-${how}.png`, fullPage: true });
  if (how === "light") writeFileSync(`${shots}/${name}.html`, await page.content());
}

for (const scheme of ["light", "dark"]) {
  await look(scheme, async (page) => {
    const heard = complaints(page);
    for (const name of Object.keys(PAGES)) {
      await check(`${name}, ${scheme}`, async () => {
        await open(page, name);
        const noise = heard.splice(0).filter((line) => !(name === "missing" && line.includes("404")));
        must(noise.length === 0, noise.join("\n"));
        for (const link of await page.locator("a[href^='/']").evaluateAll((all) => all.map((a) => a.getAttribute("href")))) linked.add(link);
        await shoot(page, name, scheme);
        // Colours are those of the style, not of the page: in the dark a few pages have all of them.
        if (scheme === "dark" && !["overview", "app", "committee", "event", "verify"].includes(name)) return;
        const found = await page.evaluate(`(() => { ${axe}; return axe.run(document, { resultTypes: ["violations"] }); })()`);
        heard.splice(0);
        const serious = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
        must(serious.length === 0, serious.map((v) => `axe ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`).join("\n"));
      });
    }
  });
}

await look("light", async (page) => {
  for (const name of Object.keys(PAGES)) {
    await check(`${name}, phone`, async () => {
      await open(page, name);
      const [wide, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      must(wide <= window_, `${wide} pixels wide on a phone of ${window_}`);
      await shoot(page, name, "phone");
    });
  }
}, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true });

await look("light", async (page) => {
  await check("without scripts: pages, search, filter", async () => {
    const heard = complaints(page);
    for (const name of ["overview", "app", "issuance", "committee", "verify"]) await open(page, name);
    await page.goto(at("/"));
    await page.fill("#q", facts.issuance);
    await page.click(".search button");
    must(page.url() === at(`/issuances/${facts.issuance}`), page.url());
    await page.goto(at("/events"));
    await page.selectOption("select[name=act]", "revocation");
    await page.click(".filters button");
    const acts = await page.locator("table.events .act").allInnerTexts();
    must(acts.length >= 2 && acts.every((act) => act.includes("revocation")), acts.join());
    must(heard.length === 0, heard.join("\n"));
  });
}, { javaScriptEnabled: false });

await look("light", async (page, context) => {
  await check("a slash leads to the search box, and a hash to its page", async () => {
    await page.goto(at("/roots"));
    await page.keyboard.press("/");
    must(await page.evaluate(() => document.activeElement?.id === "q"), "it has no focus");
    await page.keyboard.type(facts.issuance);
    await page.keyboard.press("Enter");
    await page.waitForURL(at(`/issuances/${facts.issuance}`));
    await page.goto(at("/events"));
    await page.focus("input[name=name]");
    await page.keyboard.press("/");
    must((await page.inputValue("input[name=name]")) === "/", "a slash can't be typed");
  });

  await check("filters keep what was asked, from page to page", async () => {
    await page.goto(at(`/events?name=KeyIssued&app=${facts.app}`));
    must((await page.inputValue("input[name=name]")) === "KeyIssued", "the name is gone");
    const names = await page.locator("table.events tbody tr td:nth-child(4)").allInnerTexts();
    must(names.length === 2 && names.every((name) => name.includes("KeyIssued")), names.join());
    await page.goto(at("/events"));
    const first = await page.locator("table.events tbody tr").first().innerText();
    await page.click("a[rel=next]");
    must(page.url().includes("before="), page.url());
    const older = await page.locator("table.events tbody tr").first().innerText();
    must(older !== first, "the next page is the same");
    await page.click(".paging a");
    must(page.url() === at("/events"), page.url());
  });

  await check("a hash copies whole", async () => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: facts.base });
    await page.goto(at(PAGES.event));
    const fact = page.locator("dd[data-copy]").first();
    await fact.locator("button.copy").click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    must(copied === facts.issued.block_hash, copied);
    await page.goto(at(PAGES.timeline));
    const text = await page.locator("td.says a.hash").first().evaluate((link) => link.textContent);
    must(/^0x([0-9a-f]{40}|[0-9a-f]{64})$/.test(text), `cut: ${text}`);
  });

  await check("the app's page tells the state of any block", async () => {
    await page.goto(at(PAGES["app-before"]));
    const before = await page.locator("main").innerText();
    must(before.includes("One code may boot") && before.includes("As it stood at block"), before.slice(0, 300));
    await page.click(".past a:last-child");
    must((await page.locator("main").innerText()).includes("Nothing may boot"), "the revocation is not seen");
  });

  await check("a picture of the seats, with words for who does not see it", async () => {
    await page.goto(at(PAGES.committee));
    const label = await page.locator("svg.seats").getAttribute("aria-label");
    must(label === "5 seats of 3 vendors; 3 must act together, 2 more may fail, 2 may be evil", label);
    must((await page.locator("svg.seats .seat").count()) === 5, "not five seats");
  });

  await check("on paper: no controls, whole hashes, the commands", async () => {
    await page.goto(at(PAGES.issuance));
    await page.emulateMedia({ media: "print" });
    must(!(await page.locator("nav").isVisible()) && !(await page.locator(".search").isVisible()), "controls");
    must(await page.locator(".check").isVisible() && await page.locator(".warning").isVisible(), "no commands or warning");
    await shoot(page, "issuance", "print");
    await page.emulateMedia({ media: null });
  });
});

await check(`every link leads somewhere (${linked.size})`, async () => {
  // An account that is known by nothing else has no page, and is no link.
  const lost = [];
  for (const link of [...linked].slice(0, 400)) {
    const answer = await fetch(at(link.replaceAll("&amp;", "&")), { headers: { accept: "text/html,*/*;q=0.8" } });
    if (answer.status >= 400 && !link.startsWith("/readyz")) lost.push(`${answer.status} ${link}`);
    await answer.arrayBuffer();
  }
  must(lost.length === 0, lost.join("\n"));
});

await browser.close();
end();
