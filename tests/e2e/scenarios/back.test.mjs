/** Going back: nothing of ours keeps a page out of the back/forward cache. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { tap } from '../harness/tap.mjs';
import { startWorld } from '../harness/world.mjs';

let world;
before(async () => (world = await startWorld()));
after(() => world?.stop());

/** Leaves the page, does something else, and goes back: whether it is the page that was left, and why it is not. */
const leaveAndReturn = async (page, meanwhile) => {
  await page.evaluate(() => {
    window.slept = false;
    addEventListener('pageshow', ({ persisted }) => (window.slept = persisted));
  });
  await page.goto(`${world.site.address}/other`);
  await meanwhile?.();
  await page.goBack({ waitUntil: 'commit' });
  await page.waitForFunction(() => window.started && window.headwater.inspect().core);
  return page.evaluate(() => {
    const { notRestoredReasons } = performance.getEntriesByType('navigation')[0];
    return { slept: !!window.slept, reasons: (notRestoredReasons?.reasons ?? []).map(({ reason }) => reason) };
  });
};

const RESTORED = { slept: true, reasons: [] };

for (const tabs of [1, 2]) {
  test(`notRestoredReasons is empty after going back, with ${tabs === 1 ? 'one tab' : 'two tabs'}`, async () => {
    const visitor = await world.visitor();
    const page = await visitor.open();
    const all = tabs === 1 ? [page] : [page, await visitor.open()];
    const tapAll = () => Promise.all(all.map((tab) => tap(tab, 2)));
    await tapAll();
    await visitor.counted(2 * tabs);
    assert.deepEqual(await leaveAndReturn(page), RESTORED, 'with nothing to send');

    await tapAll();
    assert.deepEqual(await leaveAndReturn(page), RESTORED, 'with something to send');
    await visitor.counted(4 * tabs);

    world.proxy.fault = () => '503';
    await tapAll();
    for (const tab of all) {
      const isThere = async (name) => (await indexedDB.databases()).some((one) => one.name === name);
      await tab.waitForFunction(isThere, `hw1:${visitor.key}`);
    }
    // The other tab asks for the locks of all that it might adopt.
    const adopting = () => all[1] && visitor.load(all[1]);
    assert.deepEqual(await leaveAndReturn(page, adopting), RESTORED, 'with something in both stores');
    world.proxy.fault = () => undefined;
    await tapAll();
    await visitor.settled(8 * tabs);
  });
}

test('a page whose lock another tab waits for is not restored, and notRestoredReasons says so', async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  const other = await visitor.open();
  const hold = (tab) =>
    tab.evaluate(() => {
      navigator.locks.request('own', () => new Promise(() => {}));
      return navigator.locks.query().then(() => {});
    });
  await hold(page);
  const { slept, reasons } = await leaveAndReturn(page, () => hold(other));
  assert.equal(slept, false);
  assert.match(`${reasons}`, /lock/);
});
