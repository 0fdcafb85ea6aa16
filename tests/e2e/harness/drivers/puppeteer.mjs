/** What Chromium (over CDP) and Firefox (over WebDriver BiDi) have in common: puppeteer drives both. */
import puppeteer from 'puppeteer-core';

import { killAll, mind } from './processes.mjs';

/** Starts a browser of this kind; `makePage` wraps puppeteer's pages. */
export const launch = async (profile, options, makePage) => {
  const browser = await puppeteer.launch({ headless: true, userDataDir: profile, ...options });
  // Puppeteer starts it as the leader of a process group of its own.
  const child = mind(browser.process());
  return {
    head: '',
    newPage: async () => makePage(await browser.newPage(), child.pid),
    close: () => browser.close(),
    kill: () => killAll(child),
  };
};

export class Page {
  constructor(page, browser) {
    Object.assign(this, { page, browser });
    page.setDefaultTimeout(30_000);
  }

  goto(url) {
    return this.page.goto(url);
  }

  reload() {
    return this.page.reload();
  }

  /** Puppeteer waits for a load that a page from the back/forward cache never has. */
  async back() {
    await this.page.evaluate(() => void setTimeout(() => history.back())).catch(() => {});
  }

  evaluate(code, argument) {
    return this.page.evaluate(code, argument);
  }

  close() {
    return this.page.close();
  }
}
