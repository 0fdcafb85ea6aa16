/**
 * The processes of a browser that we started, found as descendants of the one we know (through /proc, so on Linux), and
 * their end. Nothing is ever looked for by its name: it could be somebody else's.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';

import { until } from '../until.mjs';

/** parent, state and CPU time (in ticks of 10 ms) of a process; undefined if it is gone. */
const stat = (pid) => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything.
    const [state, parent, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: +parent, ticks: +rest[9] + +rest[10] };
  } catch {
    return undefined;
  }
};

/** None where there is no /proc: then a browser's process group must do. */
const descendants = (pid) => {
  const all = existsSync('/proc/self/stat') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  const parents = new Map(all.map((name) => [+name, stat(name)?.parent]));
  const found = new Set([pid]);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const [child, parent] of parents) if (found.has(parent)) found.add(child);
  }
  found.delete(pid);
  return [...found];
};

const isAlive = (pid) => {
  const state = stat(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
};

const killQuietly = (pid) => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
};

/** Ends the process group that `child` leads, and whoever of its descendants left the group. */
export const killAll = async (child) => {
  const { pid } = child;
  const all = descendants(pid);
  killQuietly(-pid);
  for (const one of all) killQuietly(one);
  started.delete(child);
  await until('the end of the browser', () => ![pid, ...all].some(isAlive));
};

/**
 * The process that runs `page`: the descendant of `browser` that is busiest while the page is. No browser tells, and
 * what each calls its processes changes with versions. Others may be busy by chance, and a busy machine may give the page
 * little time, so it is asked for longer until it is clear.
 */
export const contentProcess = (browser, page) => {
  let ms = 200;
  return until(
    'a process that is busy when the page is',
    async () => {
      ms *= 1.5;
      const ticks = () => new Map(descendants(browser).map((pid) => [pid, stat(pid)?.ticks ?? 0]));
      const before = ticks();
      await page.evaluate((ms) => {
        for (const end = performance.now() + ms; performance.now() < end; );
      }, ms);
      const spent = [...ticks()].map(([pid, now]) => [pid, now - (before.get(pid) ?? 0)]);
      const [[pid, most], [, next]] = [...spent.sort(([, a], [, b]) => b - a), [0, 0]];
      if (most < 8 || most < 3 * next) throw Error(JSON.stringify(spent.slice(0, 4)));
      return pid;
    },
    40_000,
  );
};

/** Ends one process, and returns when it is gone. */
export const kill = async (pid) => {
  killQuietly(pid);
  await until('the end of the process', () => !isAlive(pid));
};

const started = new Set();

/** Does not leave `child` behind, whatever happens to the tests. */
export const mind = (child) => {
  started.add(child);
  child.once('exit', () => started.delete(child));
  return child;
};

process.on('exit', () => {
  for (const { pid } of started) killQuietly(-pid);
});
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
