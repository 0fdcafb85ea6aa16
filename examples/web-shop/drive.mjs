// Half a minute in the shop: five visitors in a real Chromium, one of them offline for a while, one who closes tabs in
// the middle, one who signs in, one who does not want to be counted. Every deed is noted here, by this script; at the
// end Headwater must have counted exactly those.
//
//   node examples/web-shop/drive.mjs --shop URL --headwater URL --site web-shop --chromium PROGRAM [--seconds 30]

import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const { chromium } = createRequire(new URL("../../tests/e2e/package.json", import.meta.url))("playwright-core");

const options = Object.fromEntries(
  ["shop", "headwater", "site", "chromium", "seconds"].map((name) => [name, { type: "string" }]),
);
const { shop, headwater, site, chromium: program, seconds = "30" } = parseArgs({ options }).values;
const api = `${headwater}/api/v1/analytics/${site}`;
const PATIENCE_MS = 30_000;
const PRODUCTS = ["first-flush", "mist-oolong", "river-green", "night-rooibos", "white-peony", "kettle", "mug"];

/** What was done, by the name Headwater counts it under; "page view" for those. */
const done = new Map();
let refused = 0;

/** One person with a browser profile. */
class Visitor {
  constructor(name, context, counted = true) {
    Object.assign(this, { name, context, counted, lap: 0 });
  }

  note(deed) {
    if (this.counted) done.set(deed, (done.get(deed) ?? 0) + 1);
    else refused += 1;
  }

  async open(path) {
    this.tab ??= await this.context.newPage();
    this.note("page view");
    await this.tab.goto(shop + path, { waitUntil: "load" });
  }

  /** A link inside the single-page part. */
  async follow(selector) {
    this.note("page view");
    await this.tab.click(selector);
    await think();
  }

  async look(product) {
    this.note("product_view");
    await this.follow(`a[href="/shop/product/${product}"]`);
  }

  async add() {
    this.note("add_to_cart");
    await this.tab.click("#add");
  }

  async buy() {
    await this.follow('main a[href="/shop/cart"]');
    await this.follow("#check-out");
    await this.tab.fill("#address", "1 River Lane");
    this.note("purchase");
    await this.follow("#buy");
  }
}

const think = () => new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 350));
const pick = () => PRODUCTS[Math.floor(Math.random() * PRODUCTS.length)];

const habits = {
  async buyer(visitor) {
    visitor.note("hero_click");
    await visitor.open("/");
    await visitor.follow('a[data-track="hero_click"]');
    await visitor.look(pick());
    await visitor.add();
    await visitor.buy();
  },
  async closer(visitor) {
    await visitor.open("/shop/");
    await visitor.tab.fill("#query", "tea");
    visitor.note("search");
    await visitor.tab.click("form .button");
    await visitor.tab.fill("#query", "");
    visitor.note("search");
    await visitor.tab.click("form .button");
    await visitor.look("mug");
    // The tab is closed in the middle of things; the next page sends what this one could not.
    await visitor.add();
    await visitor.tab.close();
    visitor.tab = undefined;
    await think();
  },
  async commuter(visitor) {
    await visitor.open("/shop/");
    await visitor.context.setOffline(true);
    await visitor.look(pick());
    await visitor.add();
    await visitor.follow('main a[href="/shop/"]');
    await visitor.context.setOffline(false);
    await think();
  },
  async customer(visitor) {
    await visitor.open("/account.html");
    if (visitor.lap === 0) {
      await visitor.tab.fill("#name", "customer-4711");
      visitor.note("sign_in");
      await visitor.tab.click("#sign-in button");
    }
    await think();
    await visitor.open("/about.html");
    visitor.note("about_to_shop");
    await visitor.follow('a[data-track="about_to_shop"]');
    await visitor.look("kettle");
    await visitor.add();
    await visitor.buy();
  },
  async refuser(visitor) {
    await visitor.open("/");
    if (visitor.lap === 0) {
      // Counted until she says no; what is acknowledged before stays.
      await settled(visitor.tab);
      visitor.counted = false;
      await visitor.tab.uncheck("[data-consent]");
    }
    await visitor.open("/shop/");
    await visitor.look(pick());
    await visitor.add();
  },
};

/** Waits until the page's journal is empty: everything it accepted is acknowledged. */
async function settled(tab) {
  await tab.waitForFunction(
    (site) => !Object.keys(localStorage).some((key) => key.startsWith(`hw1:${site}:`) && /:\d+$/.test(key)),
    site,
    { timeout: PATIENCE_MS },
  );
}

async function ask(path) {
  const answer = await fetch(`${api}/${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** What Headwater has counted around today, under the same names. */
async function counts() {
  const day = (offset) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  const days = `from=${day(-1)}&to=${day(1)}`;
  const names = await ask(`report?metric=events&${days}&group_by=name`);
  const views = await ask(`report?metric=pageviews&${days}`);
  const named = names.data.filter(({ name }) => name !== null).map(({ name, events }) => [name, events]);
  return new Map([["page view", views.data[0]?.pageviews ?? 0], ...named]);
}

async function shopFor(ms, browser) {
  const until = Date.now() + ms;
  const visitors = await Promise.all(
    Object.keys(habits).map(async (name) => new Visitor(name, await browser.newContext())),
  );
  await Promise.all(
    visitors.map(async (visitor) => {
      for (; Date.now() < until; visitor.lap += 1) await habits[visitor.name](visitor);
      // A last look around: what a closed tab left behind is sent now.
      await visitor.open("/about.html");
      console.log(`  ${visitor.name.padEnd(8)} ${visitor.lap} rounds`);
    }),
  );
}

const before = await counts();
const browser = await chromium.launch({
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
let different = 0;
try {
  console.log(`  five visitors shop for ${seconds} s at ${shop}`);
  await shopFor(Number(seconds) * 1000, browser);

  const begun = Date.now();
  let now = await counts();
  const gained = (name) => (now.get(name) ?? 0) - (before.get(name) ?? 0);
  const equal = () => [...done].every(([name, deeds]) => gained(name) === deeds);
  while (!equal() && Date.now() - begun < PATIENCE_MS) {
    await think();
    now = await counts();
  }
  console.log(`\n${"what they did".padEnd(16)} ${"done".padStart(8)} ${"headwater".padStart(10)}  equal`);
  for (const [name, deeds] of [...done].sort()) {
    const same = gained(name) === deeds;
    if (!same) different += 1;
    console.log(`${name.padEnd(16)} ${`${deeds}`.padStart(8)} ${`${gained(name)}`.padStart(10)}  ${same ? "yes" : "NO"}`);
  }
  console.log(`and ${refused} deeds of a visitor who did not want to be counted\n`);

  const live = await ask("realtime");
  console.log(`live users ${live.active_users}, events per second ${live.events_per_sec}`);
  for (const { url, views } of live.top_pages.slice(0, 5)) console.log(`  ${`${views}`.padStart(5)}  ${url}`);
  const { total } = await ask("delivery");
  const lost = Object.values(total.lost).reduce((sum, events) => sum + events, 0);
  console.log(
    `delivery: known ${total.known}, counted ${total.counted}, copies removed ${total.copies}, lost ${lost}, ` +
      `in flight ${total.in_flight}, unexplained ${total.unexplained}`,
  );
} finally {
  await browser.close();
}
process.exitCode = different === 0 ? 0 : 1;
