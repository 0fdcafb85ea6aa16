/**
 * Runs in a page: calls the SDK at random, as pages of bad faith and of bad luck do, and keeps a tally of its own of
 * what it must do with each call. Self-contained, for its text is what arrives in the page.
 */
export const torment = async ({ seed, calls, dice }) => {
  const chance = (0, eval)(`(${dice})`)(seed);
  const below = (n) => Math.floor(chance() * n);
  const pick = (list) => list[below(list.length)];
  const tally = { accepted: 0, invalid: 0, consent: 0, threw: [], errors: [] };
  addEventListener('error', ({ message }) => tally.errors.push(message));
  addEventListener('unhandledrejection', ({ reason }) => tally.errors.push(`${reason}`));

  let denied = false;
  /** Calls of this task, which are not in the journal yet. */
  let pending = 0;
  const event = (n = 1) => {
    if (denied) tally.consent += n;
    else pending += n;
  };
  const written = () => {
    tally.accepted += pending;
    pending = 0;
  };
  const boom = () => {
    throw Error('boom');
  };
  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };
  const nested = (depth) => {
    let value = {};
    for (let n = 0; n < depth; n++) value = n % 2 ? [value] : { value };
    return { value };
  };
  const cycle = {};
  cycle.self = [cycle];
  const frame = document.body.appendChild(document.createElement('iframe'));
  const detached = frame.contentWindow.Object.assign(new frame.contentWindow.Object(), { from: 'elsewhere' });
  frame.remove();

  /** Properties that no JSON can be made of, or not at this length. */
  const bad = [
    () => cycle,
    () => ({ n: 1n }),
    () => ({ get boom() { return boom(); } }),
    () => ({ toJSON: boom }),
    () => ({ toJSON: () => 'text' }),
    () => ({ toJSON: () => undefined }),
    () => ({ deep: { toJSON: boom } }),
    revoked,
    () => ({ deep: revoked() }),
    () => new Proxy({}, { ownKeys: boom }),
    () => new Proxy({ a: 1 }, { get: boom }),
    () => nested(100_000),
    () => ({ text: 'x'.repeat(10_000_000) }),
    () => ({ deep: { text: 'é'.repeat(60_000) } }),
    () => 'x'.repeat(1_000_000),
    () => new Array(100_000).fill(0),
    () => [],
    () => 5,
    () => true,
    () => 5n,
    () => Symbol('props'),
    () => () => {},
    () => new Date(),
    () => new String('text'),
  ];
  /** Odd, but properties. */
  const good = [
    () => undefined,
    () => null,
    () => ({}),
    () => ({ n: below(1_000), text: 'é\ud800\0\n\u2028"\\' }),
    () => ({ a: NaN, b: -Infinity, c: -0, d: undefined, e: Symbol('e'), f: () => {} }),
    () => ({ now: new Date(), never: new Date(NaN) }),
    () => new Map([[1, 2]]),
    () => Object.freeze({ list: Object.freeze([1, [2]]) }),
    () => Object.assign(Object.create(null), { bare: true }),
    () => JSON.parse('{"__proto__":{"polluted":1},"constructor":0}'),
    () => ({ toJSON: () => ({ instead: [1] }) }),
    () => new Proxy({ a: 1 }, {}),
    () => detached,
    () => nested(20),
    () => ({ text: 'x'.repeat(below(1_500)) }),
    () => new (class Cart { items = [1]; #secret = 1; })(),
  ];
  const name = () => pick(['buy', '', 'x'.repeat(200), '\ud83d', 0, false, { a: 1 }, null, undefined, [], NaN]);
  const badName = () => pick([Symbol('name'), { toString: boom }, Object.create(null), revoked()]);
  const badWord = () => pick(['', null, undefined, Symbol('id'), { toString: boom }, 'x'.repeat(257), 'é'.repeat(129), []]);
  const word = () => pick(['a', 7, 'x'.repeat(256), { a: 1 }, 'user \ud800', false]);
  const badMoney = () =>
    pick([{}, 5, 'EUR', { revenue: 1.5, currency: 'EUR' }, { revenue: '1', currency: 'EUR' }, { revenue: 1, currency: 'eur' },
      { revenue: NaN, currency: 'EUR' }, { revenue: 2 ** 60, currency: 'EUR' }, { revenue: 1, get currency() { return boom(); } },
      { revenue: 1, currency: { toString: () => 'EUR"' } }]);

  const call = (name, ...args) => headwater[name](...args);
  const ok = (...what) => {
    call(...what);
    event();
  };
  const refused = (...what) => {
    call(...what);
    tally.invalid++;
  };
  const deny = () => {
    call('consent', 'denied');
    tally.consent += pending;
    pending = 0;
    denied = true;
  };
  const grant = () => {
    call('consent', 'granted');
    denied = false;
  };

  /** What the page does to the platform for a while, and how it is undone. */
  const plagues = [
    () => {
      Object.prototype.toJSON = () => '"object"';
      return () => delete Object.prototype.toJSON;
    },
    () => {
      const types = [Array, String, Number];
      for (const { prototype } of types) prototype.toJSON = () => '"quoted"';
      return () => types.forEach(({ prototype }) => delete prototype.toJSON);
    },
    ...[
      [Storage.prototype, 'setItem', boom],
      [Storage.prototype, 'setItem', () => {}],
      [Storage.prototype, 'getItem', boom],
      [JSON, 'stringify', () => 'nonsense'],
      [Date, 'now', () => NaN],
      [Date, 'now', () => 1.5],
      [window, 'Map', function Map() {}],
      [window, 'fetch', boom],
      [window, 'fetch', () => undefined],
      [window, 'console', undefined],
      [navigator, 'sendBeacon', boom],
      [window, 'screen', null],
    ].map(([owner, key, value]) => () => {
      const was = Object.getOwnPropertyDescriptor(owner, key);
      Object.defineProperty(owner, key, { value, configurable: true, writable: true });
      return () => (was ? Object.defineProperty(owner, key, was) : delete owner[key]);
    }),
  ];
  let cure;

  const acts = [
    [40, () => ok('track', name(), pick(good)())],
    [8, () => ok('page', name(), pick(good)())],
    [4, () => ok('screen', name(), pick(good)())],
    [4, () => ok('track', 'order', pick(good)(), { revenue: below(10_000) - 5_000, currency: 'EUR' })],
    [3, () => ok('exposure', word(), word())],
    [2, () => ok('alias', word())],
    [2, () => ok('group', word(), pick(good)())],
    [2, () => ok('set', { set: pick(good)(), setOnce: { a: 1 }, increment: { n: 1 } })],
    [1, () => ok('identify', word(), pick(good)())],
    [2, () => {
      // Their data calls us in turn.
      call('track', 'outer', { get inner() { return ok('track', 'inner'), 1; } });
      event();
    }],
    [12, () => refused('track', name(), pick(bad)())],
    [2, () => refused('track', badName())],
    [2, () => refused('track', 'order', {}, badMoney())],
    [1, () => refused('page', name(), pick(bad)())],
    [1, () => refused('alias', badWord())],
    [1, () => refused('group', badWord())],
    [1, () => refused('exposure', badWord(), 'a')],
    [1, () => refused('exposure', 'a', badWord())],
    [1, () => refused('identify', badWord())],
    [1, () => refused('set', pick([null, undefined, { set: 5 }, { setOnce: cycle }, { increment: { n: '1' } }, revoked()]))],
    [1, () => call('register', pick([{ plan: 'pro' }, { plan: 1, tab: below(5) }, cycle, 5, null, revoked()]))],
    [1, () => call('unregister', pick(['plan', ['tab', 'plan'], null, [Symbol('tab')], cycle]))],
    [1, () => call('init', pick([undefined, null, 5, {}, { site: 5 }, { site: 'again' }, { get site() { return boom(); } }, revoked()]))],
    [1, () => call('consent', pick(['perhaps', null, {}, Symbol('consent')]))],
    [1, () => {
      const { streams } = call('inspect');
      if (!Array.isArray(streams)) throw Error('inspect');
    }],
    [1, () => {
      call('flush');
      if (!denied) written();
    }],
    [0.3, () => {
      call('reset');
      if (!denied) written();
    }],
    [0.3, () => (denied ? grant() : deny())],
    [2, () => {
      cure?.();
      cure = cure ? undefined : pick(plagues)();
    }],
  ];
  const total = acts.reduce((sum, [weight]) => sum + weight, 0);
  const act = () => {
    let at = chance() * total;
    return acts.find(([weight]) => (at -= weight) < 0)[1];
  };

  for (let n = 0; n < calls; n++) {
    try {
      act()();
    } catch (error) {
      tally.threw.push(`call ${n}: ${error?.stack ?? error}`);
    }
    // A task ends, and sometimes time passes, so that some of them are sent before the next come.
    const end = chance();
    if (end > 0.4) continue;
    if (end > 0.05) await null;
    else if (end > 0.001) await new Promise((next) => setTimeout(next, below(20)));
    else await new Promise((next) => setTimeout(next, 1_100));
    await null;
    if (!denied) written();
  }
  cure?.();
  if (denied) grant();
  ok('track', 'the last');
  call('flush');
  written();
  return tally;
};
