/** A page of a scenario: a tab that loads the built package. */
import { Collector } from './collector.mjs';
import { install } from './in_page.mjs';

export const SITE_ID = 'site-123';
export const SENTINEL = 'conformance';

export class Page {
  /** Requests that were looked for so far. */
  #seen = 0;
  #wantsCore = false;
  /** Neither killed nor left. */
  lives = true;
  /** One more with each return from the back/forward cache: an answer of an earlier life is nobody's. */
  life = 0;

  static async open({ name, seed, device, site, options: { cold, wasm, ...options }, now }) {
    const page = new Page();
    Object.assign(page, { name, device, collector: await Collector.start() });
    page.tab = await device.context.newPage();
    const collector = page.collector.address;
    await page.tab.addInitScript(install, { ...now, seed, cold, collector, sentinel: SENTINEL });
    if (!wasm) await page.tab.addInitScript(() => delete window.WebAssembly);
    page.tab.on('request', (request) => {
      page.#wantsCore ||= request.url().endsWith('/core.js');
    });
    const all = { site: SITE_ID, endpoint: `${page.collector.address}/collect`, ...options };
    await page.tab.goto(`${site.address}/${wasm ? '' : 'nowasm'}#${encodeURIComponent(JSON.stringify(all))}`);
    await page.tab.waitForFunction(() => window.started);
    return page;
  }

  set(now) {
    return this.tab.evaluate((now) => conformance.set(now), now);
  }

  /** When its next timer is due; null if it has none. */
  next() {
    return this.tab.evaluate(() => conformance.next());
  }

  fire() {
    return this.tab.evaluate(() => conformance.fire());
  }

  /** Everything that needs no time has happened, and its requests have arrived. Returns how much it did so far. */
  async idle() {
    let wanted;
    let state;
    do {
      wanted = this.#wantsCore;
      state = await this.tab.evaluate(async (core) => [await conformance.idle(core), conformance.sends], wanted);
    } while (wanted !== this.#wantsCore);
    await this.collector.arrival(state[1]);
    return state[0];
  }

  /** Requests that arrived since the last look, in the order in which they left. */
  look() {
    const news = [...this.collector.received.values()].filter(({ n }) => n > this.#seen).sort((a, b) => a.n - b.n);
    this.#seen = Math.max(this.#seen, ...news.map(({ n }) => n));
    return news;
  }

  /** The page has heard how this request ended. */
  ended({ n }) {
    return this.tab.evaluate((n) => conformance.ended[n], n);
  }

  /** Calls the API, each call in a task of its own. */
  call(calls) {
    return this.tab.evaluate(async (calls) => {
      for (const [address, name, args] of calls) {
        if (address) history.pushState(null, '', address);
        headwater[name](...args.map((arg) => arg ?? undefined));
        await new Promise((turn) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = turn;
          port2.postMessage(0);
        });
      }
    }, calls);
  }

  hide(hidden) {
    return this.tab.evaluate((hidden) => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      Object.defineProperty(document, 'visibilityState', { value: hidden ? 'hidden' : 'visible', configurable: true });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    }, hidden);
  }

  connect(online) {
    return this.tab.evaluate((online) => {
      Object.defineProperty(navigator, 'onLine', { value: online, configurable: true });
      dispatchEvent(new Event(online ? 'online' : 'offline'));
    }, online);
  }

  /** Another page of the site is shown; this one may come back. */
  async leave(site) {
    const locks = await this.tab.evaluate(() => conformance.locks);
    await this.tab.goto(`${site.address}/other`);
    this.lives = false;
    await this.collector.arrival(Number(await this.tab.evaluate(() => window.name)));
    await this.device.freed(locks);
  }

  async return(now) {
    await this.tab.goBack({ waitUntil: 'commit' });
    if (!(await this.tab.evaluate(() => !!window.conformance?.begun)))
      throw Error('the page was not in the back/forward cache');
    this.lives = true;
    this.life++;
    await this.set(now);
  }

  /** Its process dies. */
  async kill() {
    const locks = await this.tab.evaluate(() => conformance.locks);
    await this.device.keep([this]);
    const crashed = this.tab.waitForEvent('crash');
    const session = await this.device.context.newCDPSession(this.tab);
    session.send('Page.crash').catch(() => {});
    await crashed;
    this.lives = false;
    await this.device.freed(locks);
  }
}
