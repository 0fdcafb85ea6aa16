/** One server, one faulty door, one site and one browser for a file of scenarios. */
import { Books } from './books.mjs';
import { startBrowser } from './browser.mjs';
import { startProxy } from './proxy.mjs';
import { startServer } from './server.mjs';
import { startSite } from './site.mjs';

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
      const visitor = new Visitor(await browser.newContext(), { server, proxy, site });
      proxy.site = visitor.key;
      proxy.fault = () => undefined;
      proxy.seen.length = 0;
      proxy.restart();
      site.wasmDelayMs = 0;
      site.policy = '';
      return visitor;
    },
    stop: async () => {
      await browser.close();
      await Promise.all([proxy.stop(), site.stop()]);
      await server.stop();
    },
  };
};

class Visitor extends Books {
  constructor(context, { server, proxy, site }) {
    super(server);
    Object.assign(this, { context, proxy, site, errors: [] });
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
