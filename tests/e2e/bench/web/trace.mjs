/** Tasks of a page's main thread with their CPU time, from Chromium's own trace. */

const CATEGORIES = ['toplevel', 'devtools.timeline', 'blink.user_timing'];

/** By which a trace of all processes says which thread is the page's. */
const HERE = 'headwater bench';

/** The tasks of the page's main thread while `work` ran. */
export const traced = async (page, work) => {
  const events = [];
  const ended = new Promise((resolve) => page.on('Tracing.tracingComplete', resolve));
  page.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await page.ask('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: CATEGORIES, recordMode: 'recordAsMuchAsPossible' },
  });
  await work();
  await page.run((here) => console.timeStamp(here), HERE);
  await page.ask('Tracing.end');
  await ended;
  return tasks(events);
};

/** `inside`: names of what ran in each. */
const tasks = (events) => {
  const here = events.find(({ name, args }) => name === 'TimeStamp' && args.data?.message === HERE);
  if (!here) throw Error('the trace does not know the page');
  const mine = events
    .filter(({ pid, tid, ph }) => ph === 'X' && pid === here.pid && tid === here.tid)
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const all = [];
  let task;
  for (const { name, ts, dur, tdur = 0, args } of mine) {
    if (task && ts < task.end) task.inside.push(name, args.chrome_mojo_event_info?.mojo_interface_tag);
    else if (name.endsWith('RunTask')) all.push((task = { end: ts + dur, cpu: tdur, wall: dur, inside: [] }));
  }
  return all;
};

/** What a task is about, by what ran in it. */
const KINDS = [
  ['timers and what they call', ['TimerFire']],
  ['echo of storage', ['blink.mojom.StorageAreaObserver']],
  ['answers', ['network.mojom.URLLoaderClient', 'ResourceReceiveResponse', 'ResourceFinish', 'XHRReadyStateChange', 'XHRLoad']],
  ['scripts elsewhere', ['FunctionCall', 'EvaluateScript', 'RunMicrotasks']],
];

/** CPU by kind, µs. */
export const byKind = (all) => {
  const sums = Object.fromEntries([...KINDS.map(([kind]) => [kind, 0]), ['the rest', 0]]);
  for (const { cpu, inside } of all) {
    const [kind] = KINDS.find(([, names]) => names.some((name) => inside.includes(name))) ?? ['the rest'];
    sums[kind] += cpu;
  }
  return sums;
};
