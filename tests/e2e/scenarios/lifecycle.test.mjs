/** What browsers do to a page between its load and its end. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { events } from '../harness/sent.mjs';
import { startSteered } from '../harness/steered.mjs';
import { tap } from '../harness/tap.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

const sent = () => events(world.proxy.requests());
const names = () => sent().map(({ name }) => name);

/** Begins counting in a tab of a steered browser, and tracks the names there, each in a task of its own. */
const begin = (browser, visitor, tab, names) =>
  browser.run(
    tab,
    async ([options, names]) => {
      headwater.init(options);
      for (const name of names) {
        headwater.track(name);
        await new Promise((next) => setTimeout(next));
      }
    },
    [{ site: visitor.key, endpoint: `${world.proxy.address}/collect` }, names],
  );

const steered = async (act) => {
  const browser = await startSteered(world.site);
  try {
    await act(await world.visitor(), browser);
  } finally {
    await browser.stop();
  }
};

test('a frozen page holds what it has, and goes on when it is thawed', () =>
  steered(async (visitor, browser) => {
    world.proxy.fault = () => '503';
    await begin(browser, visitor, 'first', ['a', 'b']);
    await until('a refusal', () => world.proxy.seen.some(({ fault }) => fault));
    await browser.run('first', () => {
      window.states = [];
      for (const name of ['freeze', 'resume']) {
        document.addEventListener(name, () => {
          states.push(name);
          headwater.track(name);
        });
      }
    });
    await browser.open('second');
    await browser.freeze('first');
    world.proxy.fault = () => undefined;
    await browser.freeze('first', false);
    assert.deepEqual(await browser.run('first', () => states), ['freeze', 'resume']);
    await visitor.settled(4);
  }));

test('what a page that was discarded left behind is sent by its next load', () =>
  steered(async (visitor, browser) => {
    world.proxy.fault = () => 'offline';
    await begin(browser, visitor, 'first', ['a', 'b', 'c']);
    await browser.open('second');
    await browser.run('second', () => document.visibilityState);
    await browser.discard('first');
    world.proxy.fault = () => undefined;
    await browser.show('first');
    assert.equal(await browser.run('first', () => document.wasDiscarded), true);
    await begin(browser, visitor, 'first', ['d']);
    await visitor.settled(4);
  }));

test('a denial reaches a tab that was frozen before it does anything else', () =>
  steered(async (visitor, browser) => {
    await begin(browser, visitor, 'first', ['a']);
    await visitor.counted(1);
    world.proxy.fault = () => '503';
    await browser.run('first', () => headwater.track('held'));
    const refusal = await until('a refusal', () => world.proxy.seen.find(({ fault }) => fault) && Date.now());
    await browser.open('second');
    await begin(browser, visitor, 'second', []);
    await browser.freeze('first');
    await browser.run('second', () => headwater.consent('denied'));
    // So that the next attempt is due when the tab is thawed: it was to come after a second.
    await until('the time of the next attempt', () => Date.now() > refusal + 3_000);
    // What was on its way before the denial may not arrive.
    world.proxy.seen.length = 0;
    world.proxy.fault = () => undefined;
    await browser.freeze('first', false);
    await browser.run('first', () => headwater.track('late'));
    await visitor.settled(2, { consent: 1 });
    assert.deepEqual(sent(), [], 'nothing of it was sent after the denial');
  }));

test('a denial purges what a tab holds that is discarded in its sleep', () =>
  steered(async (visitor, browser) => {
    await begin(browser, visitor, 'first', ['a']);
    await visitor.counted(1);
    world.proxy.fault = () => 'offline';
    await browser.run('first', () => headwater.track('held'));
    await browser.open('second');
    await begin(browser, visitor, 'second', []);
    await browser.freeze('first');
    await browser.run('second', () => headwater.consent('denied'));
    await browser.discard('first');
    world.proxy.seen.length = 0;
    world.proxy.fault = () => undefined;
    await browser.open('third');
    await begin(browser, visitor, 'third', ['refused']);
    await visitor.settled(2, { consent: 1 });
    assert.deepEqual(sent(), []);
    const keys = await browser.run('third', () => Object.keys(localStorage));
    assert.ok(!keys.some((key) => /:\d+$/.test(key)), `${keys}`);
  }));

for (const [when, register] of [
  ['before ours', (page) => page.addInitScript(() => addEventListener('pagehide', () => headwater.track('bye')))],
  ['after ours', () => {}],
]) {
  test(`what a listener of pagehide that was added ${when} tracks leaves with the page, with or without core`, async () => {
    const visitor = await world.visitor();
    for (const [name, wasmDelayMs] of [['with', 0], ['without', 60_000]]) {
      world.site.wasmDelayMs = wasmDelayMs;
      const page = await visitor.context.newPage();
      await register(page);
      await visitor.load(page);
      await tap(page, 1, name);
      if (!wasmDelayMs) await until('an answer', async () => (await visitor.events()) > 0);
      if (when === 'after ours')
        await page.evaluate(() => addEventListener('pagehide', () => headwater.track('bye')));
      await page.goto(`${world.site.address}/other`);
      await page.close();
    }
    // Nobody comes back: everything must have left.
    await visitor.counted(4);
    assert.equal(names().filter((name) => name === 'bye').length, 2);
  });
}

test('what a listener of visibilitychange tracks goes at once with what was held, whenever it was added', async () => {
  const visitor = await world.visitor();
  const page = await visitor.context.newPage();
  await page.addInitScript(() => {
    document.addEventListener('visibilitychange', () => headwater.track('before ours'));
  });
  await visitor.load(page);
  await tap(page, 1, 'first');
  await visitor.counted(1);
  const seen = world.proxy.requests().length;
  await page.evaluate(() => {
    document.addEventListener('visibilitychange', () => headwater.track('after ours'));
    headwater.track('held');
    Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
    Object.defineProperty(document, 'hidden', { value: true });
    queueMicrotask(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
  });
  await visitor.counted(4);
  const requests = world.proxy.requests().slice(seen);
  assert.equal(requests.length, 1, 'in one request');
});

test('a page that comes back from the back/forward cache goes on counting what its listeners track', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  await tap(page, 2);
  await visitor.counted(2);
  await page.evaluate(() => {
    for (const name of ['pagehide', 'pageshow', 'freeze', 'resume']) {
      (name.startsWith('page') ? window : document).addEventListener(name, () => headwater.track(name));
    }
  });
  await page.goto(`${world.site.address}/other`);
  await page.goBack({ waitUntil: 'commit' });
  await page.waitForFunction(() => window.headwater.inspect().core);
  await tap(page, 1, 'last');
  await until('the last', () => names().includes('last'));
  const called = names();
  assert.ok(called.includes('pagehide') && called.includes('pageshow'), `${called}`);
  await visitor.settled(called.length);
});

test('the first-party path may be any, and stays the same when the page’s address changes', async () => {
  for (const endpoint of ['/shop/m7', 'm7', '../x/y.gif?z=1']) {
    const visitor = await world.visitor();
    // The site hands such requests on to the collector.
    const paths = [];
    await visitor.context.route(
      (url) => url.origin === world.site.address && /m7|y\.gif/.test(url.pathname),
      async (route) => {
        paths.push(route.request().url().slice(world.site.address.length));
        const answer = await fetch(`${world.proxy.address}/collect`, {
          method: 'POST',
          body: route.request().postDataBuffer(),
        });
        await route.fulfill({ status: answer.status, headers: Object.fromEntries(answer.headers) });
      },
    );
    const page = await visitor.open({ endpoint }, { path: '/shop/list' });
    await tap(page, 1);
    await visitor.counted(1);
    await page.evaluate(() => history.pushState(null, '', '/deep/er/address'));
    await tap(page, 1);
    await visitor.counted(2);
    assert.equal(new Set(paths).size, 1, `${paths}`);
    assert.equal(paths[0], { '/shop/m7': '/shop/m7', m7: '/shop/m7' }[endpoint] ?? '/x/y.gif?z=1');
  }
});

test('a Retry-After holds in other tabs and after a reload', async () => {
  const visitor = await world.visitor();
  const [first, other] = [await visitor.open(), await visitor.open()];
  world.proxy.fault = () => ({ busy: 60 });
  await tap(first, 1, 'first');
  await until('the gate', async () => (await visitor.journal(other)).gate);
  world.proxy.fault = () => undefined;
  const seen = world.proxy.seen.length;
  await tap(other, 3, 'other');
  await visitor.load(first);
  await tap(first, 3, 'reloaded');
  for (const page of [first, other]) {
    await page.waitForFunction(() => headwater.inspect().core);
    await page.evaluate(() => headwater.flush());
  }
  // What leaves with a page goes whatever a gate says; nothing else did.
  const later = world.proxy.seen.slice(seen).filter(({ body }) => /"name":"(other|reloaded)"/.test(body));
  assert.deepEqual(later, []);
  // A minute later.
  for (const page of [first, other]) await page.close();
  const next = await visitor.context.newPage();
  await next.addInitScript(() => {
    const now = Date.now;
    Date.now = () => now() + 61_000;
  });
  await visitor.load(next);
  await visitor.settled(7);
});
