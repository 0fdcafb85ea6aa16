/** A page that the browser loads on suspicion (speculation rules), before anybody sees it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { events } from '../harness/sent.mjs';
import { startSteered } from '../harness/steered.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

/** A visitor whose browser has prerendered the page `second`, which has called the SDK. */
const prerendered = async () => {
  const visitor = await world.visitor();
  const browser = await startSteered(world.site);
  try {
    await browser.run('first', (address) => {
      const rules = document.createElement('script');
      rules.type = 'speculationrules';
      rules.textContent = JSON.stringify({ prerender: [{ urls: [address], eagerness: 'immediate' }] });
      document.head.append(rules);
    }, browser.address('second'));
    const options = { site: visitor.key, endpoint: `${world.proxy.address}/collect` };
    const called = await browser.run(
      'second',
      (options) => {
        headwater.init(options);
        headwater.page();
        headwater.track('early', { n: 1 });
        headwater.flush();
        headwater.consent('granted');
        return { prerendering: document.prerendering, waiting: headwater.inspect().waiting, at: Date.now() };
      },
      options,
    );
    assert.equal(called.prerendering, true, 'the browser prerenders');
    assert.equal(called.waiting, 2);
    // Another task of that page: whatever it would have written or sent by itself is under way.
    await browser.run('second', () => new Promise((next) => setTimeout(next)));
    return { visitor, browser, called };
  } catch (error) {
    await browser.stop();
    throw error;
  }
};

const stored = (browser) => browser.run('first', () => Object.keys(localStorage));

test('a prerendered page stores and sends nothing, and once it is shown its calls count with their own time', async () => {
  const { visitor, browser, called } = await prerendered();
  try {
    assert.deepEqual(await stored(browser), []);
    assert.deepEqual(world.proxy.seen, []);
    await browser.run('first', (address) => void setTimeout(() => (location.href = address)), browser.address('second'));
    await browser.run('second', async () => {
      while (document.prerendering) await new Promise((next) => setTimeout(next));
      headwater.track('shown');
    });
    await visitor.settled(3);
    const found = events(world.proxy.requests()).sort((a, b) => a.ts - b.ts);
    assert.deepEqual(found.map(({ type, name }) => name ?? type), ['pageview', 'early', 'shown']);
    // Of two calls in one millisecond the second is named a millisecond later: times strictly increase.
    assert.ok(found[0].ts <= called.at && found[1].ts <= called.at + 1, JSON.stringify([found, called]));
  } finally {
    await browser.stop();
  }
});

test('a prerendered page that is never shown counts nothing', async () => {
  const { visitor, browser } = await prerendered();
  try {
    await browser.run('first', (options) => {
      headwater.init(options);
      headwater.track('the only one');
      // With its rule goes the page.
      document.querySelector('script[type=speculationrules]').remove();
    }, { site: visitor.key, endpoint: `${world.proxy.address}/collect` });
    await visitor.settled(1);
    assert.deepEqual(events(world.proxy.requests()).map(({ name }) => name), ['the only one']);
  } finally {
    await browser.stop();
  }
});
