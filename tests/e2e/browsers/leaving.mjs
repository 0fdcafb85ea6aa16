/** A page ends in the middle: the next one of the site finds what it left. */
import assert from 'node:assert/strict';

import { BROWSER } from '../harness/browser.mjs';
import { dice, seed } from '../harness/random.mjs';
import { until } from '../harness/until.mjs';
import { startWitness, tick } from '../harness/witness.mjs';
import { BRIEF } from './world.mjs';

const KILLS = BRIEF ? 2 : 20;

/** An event that is tracked when the page is left, and a sign that it was accepted. */
const lastWord = (page, name) =>
  page.evaluate((name) => {
    addEventListener('pagehide', () => {
      headwater.track(name);
      // The SDK writes in a microtask that the call queued: it has run when this one does.
      queueMicrotask(() => localStorage.setItem(name, 'said'));
    });
  }, name);

export const scenarios = {
  'the tab is closed': async (visitor) => {
    const page = await visitor.open();
    await visitor.tap(page, 5);
    await visitor.counted(5);
    await visitor.tap(page, 10);
    // Firefox, driven, sends no beacon from a tab that is closed: the next page does.
    await visitor.close(page);
    const next = await visitor.open();
    await visitor.tap(next, 1);
    await visitor.settled(16);
  },

  'the tab goes to another page': async (visitor) => {
    const page = await visitor.open();
    await visitor.tap(page, 5);
    await visitor.counted(5);
    await visitor.tap(page, 10);
    await visitor.goAway(page);
    // No page of ours is there: the page's last words have said it.
    await visitor.counted(15);
    await visitor.load(page);
    await visitor.settled(15);
  },

  'events of pagehide itself': async (visitor) => {
    const page = await visitor.open();
    await visitor.tap(page, 5);
    await visitor.counted(5);
    await lastWord(page, 'bye');
    await visitor.goAway(page);
    await visitor.load(page);
    await lastWord(page, 'bye again');
    await visitor.close(page);
    const next = await visitor.open();
    await visitor.tap(next, 1, 'next');
    // Firefox, driven, does not always let a tab that it closes finish its handlers. What was accepted says so.
    const said = () => next.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('bye')));
    const sure = BROWSER === 'firefox' ? ['bye'] : ['bye', 'bye again'];
    await until('every word that was said', async () => {
      const counted = await visitor.byName();
      for (const name of [...sure, ...(await said()), 'next'])
        if (counted.get(name) !== 1) throw Error(`${name}: ${counted.get(name)}`);
      return counted.get('tap') === 5;
    });
    await until('nothing on its way', () => visitor.isQuiet());
  },

  'the page sleeps in the back/forward cache, or is loaded again': async (visitor, world) => {
    const page = await visitor.open();
    await visitor.tap(page, 5);
    world.proxy.fault = () => 'offline';
    await visitor.tap(page, 5);
    await visitor.goAway(page);
    await page.back();
    await visitor.started(page);
    await visitor.tap(page, 5);
    world.proxy.fault = () => undefined;
    await visitor.settled(15);
  },

  'the page is frozen, and its process ends without a word': async (visitor, world) => {
    const page = await visitor.open();
    world.proxy.fault = () => 'offline';
    const end = await page.prepareKill();
    await visitor.tap(page, 20);
    // A browser that discards a page freezes it first. Where the driver cannot freeze, it is a process that ends.
    await page.freeze?.();
    await end();
    await visitor.close(page).catch(() => {});
    world.proxy.fault = () => undefined;
    const next = await visitor.open();
    await visitor.tap(next, 1);
    await visitor.settled(21);
  },

  [`the page's process is killed at ${KILLS} random moments`]: async (visitor) => {
    const roll = dice(seed);
    const witness = await startWitness();
    try {
      const accepted = new Map();
      for (let round = 0; round < KILLS; round++) {
        // Some pages die before they have sent anything, some after.
        const page = await visitor.open();
        const end = await page.prepareKill();
        witness.accepted.clear();
        await tick(page, witness, 10, `${round}-`);
        await new Promise((wake) => setTimeout(wake, 100 + roll() * 1_400));
        await until('an event', () => witness.accepted.size > 0);
        await end();
        for (const [name, at] of witness.accepted) accepted.set(name, at);
        await visitor.close(page).catch(() => {});
      }
      const last = await visitor.open();
      await visitor.tap(last, 1, 'last');
      accepted.set('last', 0);
      // Of the last event before an end it may be unknown whether it was accepted: then it may be counted, too.
      const missing = async () => {
        const counted = await visitor.byName();
        const twice = [...counted].filter(([, times]) => times !== 1);
        if (twice.length) throw Error(`counted twice: ${twice}`);
        return [...accepted.keys()].filter((name) => !counted.has(name));
      };
      await until('every accepted event', async () => {
        const names = await missing();
        if (names.length) throw Error(`${names.length} missing: ${names.slice(0, 10)}`);
        return true;
      });
      await until('nothing on its way', () => visitor.isQuiet());
    } finally {
      await witness.stop();
    }
  },
};
