/**
 * What `track()` costs in real Chromium and how soon an event is on `/realtime`. Prints one JSON object:
 * microseconds for `track_us` (the call), `journal_us` (the call with its journal write), `bare_write_us` (one
 * localStorage write of the same size right after it) and `paced_write_us` (one in a task of its own, as the call's is:
 * the first access of a task costs several times as much as the next), milliseconds for `freshness_ms`; each as p50 and
 * p99.
 */
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

const CALLS = 2_000;
const ARRIVALS = 60;
/** A page view that follows a request sooner waits for the next (`flush_ms` in `sdk-core/src/client/limits.rs`). */
const PAUSE_MS = 1_000;

const percentiles = (samples) => {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 10) / 10;
  return { p50: at(0.5), p99: at(0.99) };
};

/** One call per task, as a page that reacts to a visitor makes them. */
const measureCalls = async (calls) => {
  const samples = { call: [], journal: [], bare: [], paced: [] };
  const body = `"type":"custom","ts":1710320000123,"name":"bench","props":{"plan":"pro"}}`;
  for (let n = 0; n < calls; n++) {
    await new Promise((resolve) => setTimeout(resolve));
    const start = performance.now();
    headwater.track('bench', { plan: 'pro' });
    const called = performance.now();
    await null; // the journal's microtask was queued first
    const written = performance.now();
    localStorage.setItem(`bare:${n % 50}`, body);
    const stored = performance.now();
    samples.call.push((called - start) * 1_000);
    samples.journal.push((written - start) * 1_000);
    samples.bare.push((stored - written) * 1_000);
    await new Promise((resolve) => setTimeout(resolve));
    const alone = performance.now();
    localStorage.setItem(`bare:${n % 50}`, `${body}${n}`);
    samples.paced.push((performance.now() - alone) * 1_000);
  }
  return samples;
};

const measureFreshness = async (visitor, page) => {
  const samples = [];
  for (let n = 0; n < ARRIVALS; n++) {
    const url = `/fresh-${n}`;
    await new Promise((wake) => setTimeout(wake, PAUSE_MS));
    const start = performance.now();
    await page.evaluate((url) => {
      history.pushState(null, '', url);
      headwater.page();
    }, url);
    await until(`${url} on /realtime`, async () => {
      const answer = await fetch(`${visitor.server.address}/api/v1/analytics/${visitor.key}/realtime`);
      return (await answer.json()).top_pages.some((top) => top.url.endsWith(url));
    });
    samples.push(performance.now() - start);
  }
  return samples;
};

const world = await startWorld();
try {
  world.site.isolated = true;
  const visitor = await world.visitor();
  const page = await visitor.open();
  await page.evaluate(() => headwater.track('warm-up'));
  await visitor.counted(1);
  const { call, journal, bare, paced } = await page.evaluate(measureCalls, CALLS);
  const freshness = await measureFreshness(visitor, page);
  const result = {
    calls: CALLS,
    track_us: percentiles(call),
    journal_us: percentiles(journal),
    bare_write_us: percentiles(bare),
    paced_write_us: percentiles(paced),
    arrivals: ARRIVALS,
    freshness_ms: percentiles(freshness),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await world.stop();
}
