/** One server, one faulty door, one site and one browser for a file of scenarios. */
import { randomUUID } from 'node:crypto';

import { startBrowser } from './browser.mjs';
import { startProxy } from './proxy.mjs';
import { startServer } from './server.mjs';
import { startSite } from './site.mjs';
import { until } from './until.mjs';

export const startWorld = async () => {
  const server = await startServer();
  const [proxy, site, browser] = await Promise.all([startProxy(server.address), startSite(), startBrowser()]);
  return {
    server,
    proxy,
    site,
    browser,
    /** A visitor with a browser of their own and a site id that no other scenario uses. */
    visitor: async () => {
      proxy.fault = () => undefined;
      proxy.seen.length = 0;
      proxy.restart();
      site.wasmDelayMs = 0;
      return new Visitor(await browser.newContext(), { server, proxy, site });
    },
    stop: async () => {
      await browser.close();
      await Promise.all([proxy.stop(), site.stop()]);
      await server.stop();
    },
  };
};

class Visitor {
  constructor(context, { server, proxy, site }) {
    Object.assign(this, { context, server, proxy, site, key: `e2e-${randomUUID()}`, errors: [] });
    context.on('weberror', (error) => this.errors.push(error.error().message));
  }

  /** Opens the page and waits for `init`, which does not wait for the wasm. */
  async open(options = {}, { path = '/', ...goto } = {}) {
    const page = await this.context.newPage();
    await this.load(page, options, { path, ...goto });
    return page;
  }

  /** Leaves what `page` shows and loads the site's page. */
  async load(page, options = {}, { path = '/', ...goto } = {}) {
    // From an address to the same one with a fragment would be no navigation.
    await page.goto('about:blank');
    const all = { site: this.key, endpoint: `${this.proxy.address}/collect`, ...options };
    await page.goto(`${this.site.address}${path}#${encodeURIComponent(JSON.stringify(all))}`, goto);
    await page.waitForFunction(() => window.started);
  }

  /** Events counted so far. */
  async events() {
    return (await this.server.report(this.key, 'events'))[0]?.events ?? 0;
  }

  async counted(events) {
    await until(`${events} events counted`, async () => (await this.events()) === events, 40_000);
  }

  /** The promise, as numbers: all that is known is counted or named, nothing is on its way or unexplained. */
  async settled(known, lost = {}) {
    const sum = Object.values(lost).reduce((a, b) => a + b, 0);
    return until(
      `known ${known}, lost ${JSON.stringify(lost)}`,
      async () => {
        const { total } = await this.server.delivery(this.key);
        const same = Object.entries(lost).every(([reason, n]) => total.lost[reason] === n);
        const named = Object.values(total.lost).reduce((a, b) => a + b, 0);
        if (total.known !== known || total.counted !== known - sum || named !== sum || !same)
          throw Error(JSON.stringify(total));
        if (total.in_flight !== 0 || total.unexplained !== 0) throw Error(JSON.stringify(total));
        return total;
      },
      40_000,
    );
  }

  /** What localStorage of the site holds, without the prefix. */
  async journal(page) {
    const prefix = `hw1:${this.key}:`;
    const all = await page.evaluate(() => ({ ...localStorage }));
    return Object.fromEntries(
      Object.entries(all)
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), value]),
    );
  }
}
