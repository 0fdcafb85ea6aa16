/** The measurements, one function each. All return samples; what they mean is computed by who asked. */
import * as inpage from './inpage.mjs';
import { byKind, traced } from './trace.mjs';
import { arrivals, pause } from './world.mjs';

/** Events before anything is measured: the script is compiled, the wasm is there, the first request is answered. */
const WARM_UP = 30;
const EVERY_MS = 100;
/** An SDK whose calls each send a request, or write again all that waits, would keep a busy machine for many minutes. */
const CALLS_MS = 30_000;
const BURSTS_MS = 30_000;

/** Opens the subject's page for a new visitor, warm. */
const open = async (world, subject, probe) => {
  const visitor = await world.chromium.visitor();
  const page = await visitor.open(world.address(subject, probe));
  await warm(world, subject, page);
  return { visitor, page };
};

const warm = async (world, subject, page) => {
  const run = world.run();
  await page.run(inpage.paced, WARM_UP, run, 20);
  await arrivals(subject, run, WARM_UP);
};

/** First visits: how long the start takes, and its longest task. */
export const load = async (world, subject, times) => {
  const loads = [];
  for (let n = 0; n < times; n++) {
    const run = world.run();
    const visitor = await world.chromium.visitor();
    const page = await visitor.open('about:blank');
    const from = subject.collector?.seen.length;
    const tasks = await traced(page, async () => {
      await page.goto(`${world.address(subject, 'wasm')}#m${run}x0x`);
      await arrivals(subject, run, 1);
    });
    const { origin, ...took } = await page.run(inpage.started);
    const first = subject.collector?.seen.slice(from).find(({ method }) => method !== 'OPTIONS');
    loads.push({
      ...took,
      first_request: first ? first.at - origin : null,
      longest_cpu: Math.max(...tasks.map(({ cpu }) => cpu)) / 1e3,
      longest_wall: Math.max(...tasks.map(({ wall }) => wall)) / 1e3,
      over_10_ms: tasks.filter(({ cpu }) => cpu > 10_000).length,
    });
    await visitor.leave();
  }
  return loads;
};

/** Single calls, then bursts. */
export const calls = async (world, subject, count, bursts) => {
  const { visitor, page } = await open(world, subject);
  const run = world.run();
  const single = await page.run(inpage.calls, count, run, CALLS_MS);
  await arrivals(subject, run, single.call.length);
  const many = [];
  const end = Date.now() + BURSTS_MS;
  for (let n = 0; n < bursts && (n === 0 || Date.now() < end); n++) {
    const run = world.run();
    many.push(await page.run(inpage.burst, 1_000, run));
    await arrivals(subject, run, 1_000, 5_000);
  }
  await visitor.leave();
  return { ...single, bursts: many };
};

/**
 * CPU of the main thread while events come at a pace, until they are sent and answered; in turns, so that all subjects
 * see the same machine. `ThreadTime` is the thread's own CPU clock: unlike wall times it does not count what others do
 * on a shared core, and unlike `TaskDuration` it counts what the thread does between tasks. A trace would tell more and
 * cost more, so it is taken apart from this (`split`).
 */
export const paced = async (world, subjects, seconds, rounds) => {
  const opened = [];
  for (const subject of subjects) opened.push(await open(world, subject));
  const count = Math.max(1, Math.round((seconds * 1e3) / EVERY_MS / rounds));
  const results = Object.fromEntries(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [at, subject] of subjects.entries()) {
      const { page } = opened[at];
      await page.front();
      const run = world.run();
      const from = subject.collector?.seen.length;
      const before = await page.cpu();
      await page.run(inpage.paced, count, run, EVERY_MS);
      const sent = await arrivals(subject, run, count, undefined, from);
      results[subject.name].push({ events: count, cpu: (await page.cpu()) - before, ...sent });
    }
  }
  for (const { visitor } of opened) await visitor.leave();
  return results;
};

/** Where that CPU goes: tasks by kind from a trace, and what is asked of the browser from counters. */
export const split = async (world, subject, seconds) => {
  const count = Math.max(1, Math.round((seconds * 1e3) / EVERY_MS));
  const traces = await open(world, subject);
  const tasks = await traced(traces.page, async () => {
    const run = world.run();
    await traces.page.run(inpage.paced, count, run, EVERY_MS);
    await arrivals(subject, run, count);
  });
  await traces.visitor.leave();

  const counted = await open(world, subject, 'counters');
  await counted.page.run(() => (bench.counts = {}));
  const run = world.run();
  await counted.page.run(inpage.paced, count, run, EVERY_MS);
  await arrivals(subject, run, count);
  const counts = await counted.page.run(() => bench.counts);
  await counted.visitor.leave();
  return { events: count, kinds: byKind(tasks), counts };
};

/** CPU of another open tab of the site while this one tracks. */
export const otherTab = async (world, subject, seconds) => {
  const { visitor, page } = await open(world, subject);
  const other = await visitor.open(world.address(subject));
  await page.front();
  const [here, there] = [await page.cpu(), await other.cpu()];
  await page.run(() => {
    for (const end = performance.now() + 200; performance.now() < end; );
  });
  // Else the two tabs share a main thread, and nothing can be said.
  const apart = (await other.cpu()) - there < ((await page.cpu()) - here) / 2;
  await warm(world, subject, page);
  const count = Math.max(1, Math.round((seconds * 1e3) / EVERY_MS));
  const run = world.run();
  const before = await other.cpu();
  await page.run(inpage.paced, count, run, EVERY_MS);
  await arrivals(subject, run, count);
  const cpu = (await other.cpu()) - before;
  await visitor.leave();
  return { events: count, cpu: apart ? cpu : null };
};

/** What is held after many events, bytes. */
export const memory = async (world, subject, count) => {
  const visitor = await world.chromium.visitor();
  const page = await visitor.open(world.address(subject, 'wasm'));
  const run = world.run();
  await page.run(inpage.many, count, run, 20);
  const { arrived } = await arrivals(subject, run, count);
  for (let n = 0; n < 3; n++) await page.ask('HeapProfiler.collectGarbage');
  const { usedSize } = await page.ask('Runtime.getHeapUsage');
  const wasm = await page.run(() => bench.wasm?.buffer.byteLength ?? 0);
  await visitor.leave();
  return { heap: usedSize, wasm, arrived };
};

/** Events of a page that could reach nobody until it was left: how many does the next page send? */
export const offline = async (world, subject, count) => {
  const { visitor, page } = await open(world, subject);
  const run = world.run();
  subject.collector.offline = true;
  await page.run(inpage.paced, count, run, EVERY_MS);
  await pause(1_000);
  await page.goto('about:blank');
  await pause(500);
  subject.collector.offline = false;
  await page.goto(world.address(subject));
  // Some look at what is left only when there is something new to send.
  await page.run(inpage.paced, 1, world.run(), EVERY_MS);
  const { arrived } = await arrivals(subject, run, count, 20_000);
  await visitor.leave();
  return { tracked: count, arrived };
};

/** The first access to localStorage in tabs of a visitor who has our full log, and in tabs of one who has nothing. µs. */
export const firstAccess = async (world, subject, times) => {
  const measure = async (visitor) => {
    const samples = [];
    for (let n = 0; n < times; n++) {
      const tab = await visitor.open(world.blank);
      samples.push(await tab.run(inpage.firstAccess));
      await tab.close();
    }
    return samples;
  };
  const nobody = await world.chromium.visitor();
  const empty = await measure(nobody);
  await nobody.leave();
  const { visitor, page } = await open(world, subject);
  subject.collector.offline = true;
  await page.run(inpage.many, 400, world.run(), 1);
  await pause(500);
  const characters = await page.run(() => Object.entries(localStorage).reduce((sum, [key, value]) => sum + key.length + value.length, 0));
  const full = await measure(visitor);
  await visitor.leave();
  subject.collector.offline = false;
  return { empty, full, characters };
};
