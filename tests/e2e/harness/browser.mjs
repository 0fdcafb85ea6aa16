/** A real Chromium (its path in HEADWATER_CHROMIUM). */
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.HEADWATER_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
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
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
    // Playwright switches the back/forward cache off; visitors have it.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
