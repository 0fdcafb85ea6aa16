/**
 * One server, one faulty door and one browser with a profile for a file of scenarios. A visitor has an origin (and
 * with it storage) and a site id of their own; a browser's start costs seconds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Books } from '../harness/books.mjs';
import { launch } from '../harness/browser.mjs';
import { startProxy } from '../harness/proxy.mjs';
import { startServer } from '../harness/server.mjs';
import { startSite } from '../harness/site.mjs';
import { until } from '../harness/until.mjs';

/** `1`: each fault once or twice. */
export const BRIEF = process.env.HEADWATER_BRIEF === '1';

export const startWorld = async () => {
  const profile = mkdtempSync(path.join(tmpdir(), 'headwater-profile-'));
  const server = await startServer();
  const [proxy, browser] = await Promise.all([startProxy(server.address), launch(profile)]);
  let present;
  const world = {
    server,
    proxy,
    browser,
    /** A new visitor, after the one before has closed all tabs. */
    visitor: async () => {
      await present?.leave();
      proxy.fault = () => undefined;
      proxy.seen.length = 0;
      proxy.restart();
      await proxy.open();
      present = new Visitor(world, await startSite());
      present.site.head = world.browser.head;
      return present;
    },
    /** All processes of the browser are killed, and it is started again with the same profile. */
    killBrowser: async () => {
      const at = Date.now();
      await world.browser.kill();
      present.pages = [];
      world.browser = await launch(profile);
      present.site.head = world.browser.head;
      return at;
    },
    stop: async () => {
      await present?.leave();
      await world.browser.close();
      await proxy.stop();
      await server.stop();
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
  return world;
};

class Visitor extends Books {
  pages = [];
  #loads = 0;

  constructor(world, site) {
    super(world.server);
    Object.assign(this, { world, site });
  }

  /** Opens the site's page in a tab of its own and waits for `init`, which does not wait for the wasm. */
  async open(options) {
    const page = await this.world.browser.newPage(this.site.address);
    this.pages.push(page);
    await this.load(page, options);
    return page;
  }

  /** Leaves what `page` shows and loads the site's page. */
  async load(page, options = {}) {
    const all = { site: this.key, endpoint: `${this.world.proxy.address}/collect`, ...options };
    // Another query each time: between addresses that differ in the fragment only there is no navigation.
    await page.goto(`${this.site.address}/?${++this.#loads}#${encodeURIComponent(JSON.stringify(all))}`);
    await this.started(page);
  }

  async started(page) {
    await until('init', () => page.evaluate(() => window.started === true));
  }

  /** Tracks `count` events, each in a task of its own, as clicks are. Timers would be throttled in a hidden tab. */
  tap(page, count, name = 'tap') {
    return page.evaluate(
      async ({ count, name }) => {
        const channel = new MessageChannel();
        for (let n = 0; n < count; n++) {
          window.headwater.track(name, { n });
          await new Promise((next) => {
            channel.port1.onmessage = next;
            channel.port2.postMessage(0);
          });
        }
        channel.port1.close();
      },
      { count, name },
    );
  }

  goAway(page) {
    return page.goto(`${this.site.address}/other`);
  }

  async close(page) {
    this.pages = this.pages.filter((one) => one !== page);
    await page.close();
  }

  async leave() {
    for (const page of this.pages.splice(0)) await page.close().catch(() => {});
    await this.site.stop();
  }
}
