/** Everything that a run needs, on loopback, and what the measurements share. */
import { startChromium } from './chromium.mjs';
import { marks, wire } from './collector.mjs';
import { PROBES } from './inpage.mjs';
import { startOutside } from './outside.mjs';
import { startSite } from './site.mjs';
import { startSubjects } from './subjects.mjs';

/** How long events may take until they are at the collector: some SDKs wait many seconds for company. */
const ARRIVE_MS = 30_000;
/** And how long their answers may be worked on, or be followed by other requests. */
const AFTER_MS = 1_000;

export const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));

export const startWorld = async (job) => {
  const subjects = await startSubjects(job);
  const site = await startSite(subjects, PROBES);
  const outside = await startOutside();
  const chromium = await startChromium(outside.address);
  let runs = 0;
  return {
    chromium,
    outside,
    subjects: Object.values(subjects),
    blank: `${site.address}/`,
    address: (subject, probe = '') =>
      `${site.address}/${encodeURIComponent(subject.name)}${probe && `?probe=${probe}`}`,
    /** A number that marks of no other measurement have. */
    run: () => ++runs,
    stop: async () => {
      await chromium.stop();
      await Promise.all([site, outside, ...Object.values(subjects).map(({ collector, sink }) => collector ?? sink)].map((s) => s?.stop()));
    },
  };
};

/** Waits until `count` events of a run have arrived and nothing follows, or too long; what arrived, and as what. */
export const arrivals = async ({ collector }, run, count, limit = ARRIVE_MS, from = 0) => {
  const found = new Set();
  if (!collector) {
    await pause(AFTER_MS);
    return { arrived: 0, ...wire([]) };
  }
  const end = Date.now() + limit;
  for (let read = from; ; ) {
    for (; read < collector.seen.length; read++) {
      for (const mark of marks(collector.seen[read])) if (mark.startsWith(`m${run}x`)) found.add(mark);
    }
    const late = Date.now() > end;
    const latest = collector.seen.at(-1)?.at ?? 0;
    if (late || (found.size >= count && Date.now() - latest > AFTER_MS)) break;
    await pause(50);
  }
  return { arrived: found.size, ...wire(collector.seen.slice(from)) };
};
