/** The verbs of a scenario (README.md of the suite), done with pages in Chromium. */
import * as expect from './expect.mjs';
import { nameOf } from './pattern.mjs';

const DEFAULTS = { page: 'A', device: 'd1' };

/** What a page holds where there is no IndexedDB. */
const HOT_BYTES = 16_384;

/** Members of each verb; the first is meant where a text stands for the object. */
const CALL = ['name', 'page', 'props', 'purpose', 'variant', 'amount', 'currency', 'times', 'every', 'pad'];
const ON_PAGE = ['page'];
const SETTINGS = ['sample', 'calls_per_minute', 'flush_ms', 'queue_bytes', 'stop_ms'];

/** What a call of the API is named and given: address to be at, function, arguments. */
const CALLS = {
  alias: ({ name }) => [null, 'alias', [name]],
  exposure: ({ name, variant }) => [null, 'exposure', [name, variant]],
  group: ({ name, props }) => [null, 'group', [name, props]],
  identify: ({ name, props }) => [null, 'identify', [name, props]],
  page_view: ({ name, props }) => [name, 'page', [null, props]],
  revenue: ({ name, props, amount, currency }) => [null, 'track', [name, props, { revenue: amount, currency }]],
  screen: ({ name, props }) => [null, 'screen', [name, props]],
  track: ({ name, props }) => [null, 'track', [name, props]],
  unregister: ({ name }) => [null, 'unregister', [name]],
};

const call = async (world, verb, { times, every = 0, pad = 0, ...given }) => {
  const props = pad ? { ...given.props, pad: 'x'.repeat(pad) } : given.props;
  const made = Array.from({ length: times ?? 1 }, (_, n) => {
    const name = times === undefined ? given.name : given.name.replaceAll('#', n);
    return CALLS[verb]({ ...given, props, name });
  });
  if (!every) return world.with(given.page, (page) => page.call(made));
  for (const [n, one] of made.entries()) {
    if (n) await world.wait(every);
    await world.with(given.page, (page) => page.call([one]));
  }
};

const simple = (name, ...args) => [null, name, args];
const say = (world, page, ...calls) => world.with(page, (tab) => tab.call(calls));

/** `hw-ack`: `all` is the number of events sent. */
const ackOf = (ack, { body }) => (ack === 'all' ? body.batches[0].events.length : ack);

const answer = async (world, { request: name, status, ack: given, retry_after, time, settings, erase, reject }) => {
  const request = world.named(name);
  const sent = request.body.batches[0];
  const ack = ackOf(given, request);
  if (status < 300 && ack === sent.events.length) world.books.take(request.body, reject);
  const rejected = reject?.map((seq) => ({ stream: sent.stream, seq, reason: 'invalid' }));
  if (settings) only('settings', settings, SETTINGS);
  const body = status === 204 ? undefined : { settings, erase, rejected };
  await world.end(request, { status, ack, retryAfter: retry_after, ahead: time, body });
};

const settle = (world, request) => answer(world, { request, status: 204, ack: 'all' });

const take = async (world, { name, device }) => {
  for (const { events } of (await world.journal(device)).values()) {
    for (const { key, event } of events.values())
      if (nameOf(event) === name) return world.change(device, 'remove', key);
  }
  throw Error(`${name} is not in the journal`);
};

const each = (act) => async (world, list) => {
  for (const one of list) await act(world, one);
};

/** By verb: its members (none: what it says is no object), and what it does. */
const VERBS = {
  ...Object.fromEntries(Object.keys(CALLS).map((verb) => [verb, [CALL, (world, given) => call(world, verb, given)]])),
  answer: [['request', 'status', 'ack', 'retry_after', 'time', 'settings', 'erase', 'reject'], answer],
  clear_storage: [['device'], (world, { device }) => world.change(device, 'clear')],
  clock: [null, (world, ms) => world.jump(ms)],
  consent: [
    ['decision', 'page', 'purpose'],
    (world, { page, decision }) => say(world, page, simple('consent', decision)),
  ],
  flush: [ON_PAGE, (world, { page }) => say(world, page, simple('flush'))],
  hide: [ON_PAGE, (world, { page }) => world.with(page, (tab) => tab.hide(true))],
  kill: [ON_PAGE, (world, { page }) => world.with(page, (tab) => tab.kill())],
  leave: [ON_PAGE, (world, { page }) => world.with(page, (tab) => tab.leave(world.site))],
  lose: [null, each((world, name) => world.end(world.named(name)))],
  lose_answer: [
    null,
    each((world, name) => {
      world.books.take(world.named(name).body);
      return world.end(world.named(name));
    }),
  ],
  offline: [ON_PAGE, (world, { page }) => world.with(page, (tab) => tab.connect(false))],
  online: [ON_PAGE, (world, { page }) => world.with(page, (tab) => tab.connect(true))],
  open: [['page', 'device'], (world, { page, device }) => world.open(page, device)],
  register: [['props', 'page'], (world, { page, props }) => say(world, page, simple('register', props))],
  requests: [null, expect.requests],
  reset: [ON_PAGE, (world, { page }) => say(world, page, simple('reset'))],
  restore: [['name', 'device'], (world, { name, device }) => world.change(device, 'restore', world.saved.get(name))],
  return: [ON_PAGE, (world, { page }) => world.return(page)],
  save: [['name', 'device'], (world, { name, device }) => world.save(name, device)],
  server: [['counted', 'lost', 'ended', 'refused'], expect.server],
  set: [
    ['set', 'set_once', 'increment', 'page'],
    (world, { page, set, set_once, increment }) =>
      say(world, page, simple('set', { set, setOnce: set_once, increment })),
  ],
  settle: [null, each(settle)],
  show: [ON_PAGE, (world, { page }) => world.with(page, (tab) => tab.hide(false))],
  storage: [['device', 'events', 'lost', 'streams'], expect.storage],
  storage_full: [
    null,
    (world, full) => each((world, device) => world.change(device, 'fill', full))(world, world.devices()),
  ],
  take: [['name', 'device'], take],
  take_header: [
    ['stream', 'device'],
    (world, { stream, device }) => world.change(device, 'remove', `${world.names.get(stream)}:h`),
  ],
  wait: [null, (world, ms) => world.wait(ms)],
};

const only = (what, object, members) => {
  for (const member of Object.keys(object))
    if (!members.includes(member)) throw Error(`${what} has no member ${member}`);
};

/** Does one step. */
export const step = (world, what) => {
  const [[verb, said], ...more] = Object.entries(what);
  if (more.length || !VERBS[verb]) throw Error(`no step: ${JSON.stringify(what)}`);
  const [members, act] = VERBS[verb];
  if (!members) return act(world, said);
  const given = typeof said === 'string' ? { [members[0]]: said } : said;
  only(verb, given, members);
  const missing = Object.entries(DEFAULTS).filter(([member]) => members.includes(member));
  return act(world, { ...Object.fromEntries(missing), ...given });
};

/** The options of `init` that a scenario's set-up asks for; a reason if the SDK for the web has none. */
export const optionsOf = (setup = {}) => {
  only('setup', setup, ['consent', 'waiting', 'purposes', 'storage', 'limits', 'plugin_drops']);
  const { consent = 'granted', waiting = 1_000, purposes = [], storage = true, limits = {}, plugin_drops = [] } = setup;
  if (![0, 1_000].includes(waiting)) return 'pages hold 1,000 calls for consent, or none';
  if (purposes.length > 1) return 'pages record for one purpose';
  const { queue_bytes, ...others } = limits;
  if (Object.keys(others).length || ![undefined, HOT_BYTES].includes(queue_bytes)) return 'the limits of pages are fixed';
  if (plugin_drops.length) return 'pages take no plugins';
  const cold = queue_bytes === undefined;
  return { cold, consent, storage: storage ? 'local' : 'none', whileUnknown: waiting ? 'hold' : 'drop' };
};

/** Verbs that nothing in a browser corresponds to. */
export const UNKNOWN_TO_BROWSERS = {
  fork: 'pages do not fork',
  memory_pressure: 'browsers ask no page for memory',
  torn: 'a write is whole or not there',
};
