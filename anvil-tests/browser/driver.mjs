// What every script here stands on: Debian's Chromium, the facts of the story, named checks, one line each.
import { chromium } from "playwright-core";

export const facts = JSON.parse(process.env.EXPLORED ?? "null");
if (!facts) throw new Error("run it through ./script/story explorer");
export const place = (event) => `${event.block_hash}/${event.log_index}`;

export async function launch() {
  const flags = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ];
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, headless: true, args: flags });
}

/** Whatever a page complains of: the console, exceptions, requests that failed. */
export function complaints(page) {
  const heard = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) heard.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => heard.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // What was still loading when the next page was asked for.
    if (why !== "net::ERR_ABORTED") heard.push(`request: ${request.url()} ${why}`);
  });
  return heard;
}

export function must(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

let failed = 0;

/** Runs a check; the script goes on, and fails at its end. */
export async function check(what, body) {
  const begun = Date.now();
  try {
    await body();
    console.log(`ok      ${what} (${Date.now() - begun} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}\n        ${error.message.replaceAll("\n", "\n        ")}`);
  }
}

export function end() {
  if (failed > 0) console.log(`${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}
