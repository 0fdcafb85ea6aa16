/**
 * Real browsers. What runs in Chromium only has Playwright's pages; what runs in every browser has the few verbs below,
 * in the browser that HEADWATER_BROWSER names (`chromium`, `firefox` or `webkit`).
 *
 *     launch(profile)    a browser on a profile folder, which it continues: { head, newPage, close, kill }
 *       head             what belongs into the head of every page of the site
 *       newPage(site)    a tab, not yet on a page of use
 *       kill()           SIGKILL to all of its processes
 *     tab                goto(url), reload(), back(), evaluate(code, argument), close()
 *       prepareKill()    → end(): the process that runs the page is killed
 *       offline?(off)    `navigator.onLine`; freeze?(): only where the driver can
 */
import { chromium } from 'playwright-core';

/** Chromium's program. */
export const PROGRAM = process.env.HEADWATER_CHROMIUM ?? '/usr/bin/chromium';
export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const startBrowser = () =>
  chromium.launch({
    executablePath: PROGRAM,
    headless: true,
    args: FLAGS,
    // Playwright switches the back/forward cache off; visitors have it.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });

/** The browser that the shared suite runs in. */
export const BROWSER = process.env.HEADWATER_BROWSER ?? 'chromium';

const BROWSERS = ['chromium', 'firefox', 'webkit'];

export const launch = async (profile) => {
  if (!BROWSERS.includes(BROWSER)) throw Error(`HEADWATER_BROWSER=${BROWSER}: not one of ${BROWSERS}`);
  // Only its own driver: what the others need may not be here.
  const driver = await import(`./drivers/${BROWSER}.mjs`);
  return driver.launch(profile);
};
