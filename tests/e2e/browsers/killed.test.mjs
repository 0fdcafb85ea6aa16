/**
 * A browser that is killed (SIGKILL to all of its processes, as an impatient system does) takes with it what it had not
 * yet given to the system. Whatever is older than two seconds must come back with the next visit, and nothing may
 * count twice. What was lost is printed.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { BROWSER } from '../harness/browser.mjs';
import { dice, seed, showSeed } from '../harness/random.mjs';
import { until } from '../harness/until.mjs';
import { startWitness, tick } from '../harness/witness.mjs';
import { BRIEF, startWorld } from './world.mjs';

const KILLS = BRIEF ? 2 : 20;
const EVERY_MS = 50;
/** What a killed browser may lose. */
const FORGIVEN_MS = 2_000;
/** When it is killed, after the first event. */
const EARLIEST_MS = 2_500;
const LATEST_MS = 8_000;

let world;
let witness;
before(async () => {
  showSeed();
  world = await startWorld();
  witness = await startWitness();
});
after(() => Promise.all([world?.stop(), witness?.stop()]));

test(`${BROWSER}: killed at ${KILLS} random moments`, { timeout: KILLS * 60_000 }, async (t) => {
  const roll = dice(seed);
  const rounds = [];
  while (rounds.length < KILLS)
    rounds.push(await oneKill(EARLIEST_MS + roll() * (LATEST_MS - EARLIEST_MS), rounds.length % 2 > 0));
  for (const { accepted, lost, lostMs, livedMs, hidden } of rounds) {
    const what = lost ? `${lost} lost, the first ${lostMs} ms before the end` : 'nothing lost';
    t.diagnostic(`${BROWSER}: killed after ${livedMs} ms${hidden ? ', hidden' : ''}: ${accepted} accepted, ${what}`);
  }
  const sum = (name) => rounds.reduce((all, round) => all + round[name], 0);
  const worst = Math.max(...rounds.map(({ lostMs }) => lostMs));
  const all = `${sum('accepted')} accepted, ${sum('lost')} lost, at worst of the last ${worst} ms`;
  t.diagnostic(`${BROWSER}: ${KILLS} kills: ${all}`);
  assert.deepEqual(
    rounds.filter(({ lostMs }) => lostMs > FORGIVEN_MS),
    [],
    `nothing older than ${FORGIVEN_MS} ms is lost`,
  );
});

/**
 * A visit without a network that ends `livedMs` after its first event, maybe behind another tab, where timers are
 * throttled; and what the next visit brings.
 */
const oneKill = async (livedMs, behind) => {
  const visitor = await world.visitor();
  witness.accepted.clear();
  world.proxy.fault = () => 'offline';
  const page = await visitor.open();
  await tick(page, witness, EVERY_MS);
  await until('a first event', () => witness.accepted.size > 0);
  if (behind) await world.browser.newPage(visitor.site.address);
  await new Promise((wake) => setTimeout(wake, livedMs));
  const hidden = await page.evaluate(() => document.hidden);
  const end = await world.killBrowser();
  world.proxy.fault = () => undefined;
  const accepted = new Map(witness.accepted);
  const next = await visitor.open();
  await visitor.tap(next, 1, 'next');
  const missing = async () => {
    const counted = await visitor.byName();
    assert.deepEqual([...counted].filter(([, times]) => times !== 1), [], 'counted once');
    return [...accepted].filter(([name]) => !counted.has(name)).map(([, at]) => end - at);
  };
  await until('the next visit', async () => (await visitor.byName()).has('next'));
  // What is adopted may come in several requests, after the visit's own. What never comes is in the result.
  const isOldThere = async () => (await missing()).every((age) => age <= FORGIVEN_MS);
  await until('what is old', isOldThere, 40_000).catch(() => {});
  await until('nothing on its way or unexplained', async () => {
    const { total } = await world.server.delivery(visitor.key);
    if (total.in_flight || total.unexplained) throw Error(JSON.stringify(total));
    return true;
  });
  const ages = await missing();
  return { accepted: accepted.size, lost: ages.length, lostMs: Math.max(0, ...ages), livedMs: Math.round(livedMs), hidden };
};
