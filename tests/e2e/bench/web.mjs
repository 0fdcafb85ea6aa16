/**
 * Measures SDKs in real Chromium: `node web.mjs '{"seconds":30,"dist":"…","peers":[{"name","folder","file"}]}'`. Progress
 * goes to standard error; the last line of standard output is the samples as JSON.
 */
import * as passes from './web/passes.mjs';
import { startWorld } from './web/world.mjs';

const LOADS = 5;
const CALLS = 1_000;
const BURSTS = 5;
const ROUNDS = 5;
const EVENTS = 10_000;

const job = JSON.parse(process.argv[2]);
const begun = Date.now();
const say = (what) => process.stderr.write(`    … ${Math.round((Date.now() - begun) / 1e3)} s  ${what}\n`);
/** For development: only these passes. */
const only = process.env.HEADWATER_BENCH_ONLY?.split(',');

const world = await startWorld(job);
try {
  const all = world.subjects;
  const senders = all.filter(({ collector }) => collector);
  const named = (...names) => all.filter(({ name }) => names.includes(name));
  const result = { chromium: await world.chromium.version(), subjects: {}, failed: [] };
  const of = ({ name }) => (result.subjects[name] ??= { outside: [] });
  /** One SDK that fails costs its own figure. */
  const attempt = async (what, work) => {
    say(what);
    await work().catch((error) => result.failed.push(`${what}: ${error.message}`));
  };
  const each = async (pass, what, subjects, measure) => {
    if (only && !only.includes(pass)) return;
    for (const subject of subjects) {
      await attempt(`${what}: ${subject.name}`, async () => {
        of(subject)[pass] = await measure(subject);
      });
      of(subject).outside.push(...world.outside.taken());
    }
  };
  await each('load', 'first visits', [...named('empty'), ...senders], (s) => passes.load(world, s, LOADS));
  for (const subject of all) of(subject).files = [...subject.files];
  await each('calls', 'calls and bursts', senders, (s) => passes.calls(world, s, CALLS, BURSTS));
  if (!only || only.includes('paced')) {
    await attempt(`an event per 100 ms, ${job.seconds} s for each of ${all.map(({ name }) => name).join(', ')}`, async () => {
      const rounds = await passes.paced(world, all, job.seconds, ROUNDS);
      for (const subject of all) of(subject).paced = rounds[subject.name];
    });
  }
  const some = Math.max(5, job.seconds / 3);
  await each('split', 'where the time goes', all, (s) => passes.split(world, s, some));
  await each('other', 'another tab', all, (s) => passes.otherTab(world, s, some));
  await each('memory', `memory after ${EVENTS} events`, [...named('empty'), ...senders], (s) => passes.memory(world, s, EVENTS));
  await each('offline', 'nobody to reach', senders, (s) => passes.offline(world, s, 5));
  await each('first_access', 'first access to localStorage', named('headwater'), (s) => passes.firstAccess(world, s, 20));
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await world.stop();
}
