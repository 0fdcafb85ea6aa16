/** Chromium (its path in HEADWATER_CHROMIUM), over its own protocol. */
import { FLAGS, PROGRAM } from '../browser.mjs';
import { Page, launch as start } from './puppeteer.mjs';

class Tab extends Page {
  async #tell(method, parameters) {
    this.session ??= await this.page.createCDPSession();
    return this.session.send(method, parameters);
  }

  /** Makes the page's process crash when `end` is called. */
  async prepareKill() {
    this.session ??= await this.page.createCDPSession();
    return async () => {
      const crashed = new Promise((done) => this.page.once('error', done));
      // It has no answer: who would send it?
      this.#tell('Page.crash').catch(() => {});
      await crashed;
    };
  }

  /** `navigator.onLine` and all traffic of the page, but for what leaves with it. */
  offline(off) {
    return this.page.setOfflineMode(off);
  }

  /** As the browser does with a page that nobody has looked at for minutes: its tasks stop. */
  freeze() {
    return this.#tell('Page.setWebLifecycleState', { state: 'frozen' });
  }
}

/** Without puppeteer's own switches: they turn throttling, the back/forward cache and more off, which visitors have. */
export const launch = (profile) =>
  start(
    profile,
    {
      browser: 'chrome',
      executablePath: PROGRAM,
      ignoreDefaultArgs: true,
      args: [...FLAGS, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    },
    (page, browser) => new Tab(page, browser),
  );
