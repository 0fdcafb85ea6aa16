/**
 * What runs in the measured page: each function is sent there as text, so it knows only its arguments and what the page
 * has (`sdk`, `bench`). Every event carries a mark, `m<run>x<n>x`, by which the collector knows it again.
 */

/**
 * One call in a task of its own, as a page reacts to a visitor; then a bare write in a task of its own. In µs.
 * Fewer than `count` when they take longer than `limit` ms.
 */
export const calls = async (count, run, limit) => {
  const samples = { call: [], written: [], bare: [] };
  const task = () => new Promise((next) => setTimeout(next));
  const text = `"ts":1710320000123,"type":"custom","url":"/","name":"add_to_cart","props":{"sku":"b-7","price":1999}}`;
  const end = performance.now() + limit;
  for (let n = 0; n < count && performance.now() < end; n++) {
    await task();
    const begun = performance.now();
    sdk.track('add_to_cart', { sku: 'b-7', price: 1999, mark: `m${run}x${n}x` });
    const called = performance.now();
    await null; // A microtask that the call queued was queued first.
    const written = performance.now();
    await task();
    const alone = performance.now();
    localStorage.setItem(`bare:${n % 50}`, text + n);
    samples.bare.push((performance.now() - alone) * 1e3);
    samples.call.push((called - begun) * 1e3);
    samples.written.push((written - begun) * 1e3);
  }
  return samples;
};

/** Many calls in one task with the microtask that writes them, and as many bare writes in another. In µs per event. */
export const burst = async (count, run) => {
  const task = () => new Promise((next) => setTimeout(next));
  const text = `"ts":1710320000123,"type":"custom","url":"/","name":"add_to_cart","props":{"sku":"b-7","price":1999}}`;
  await task();
  const begun = performance.now();
  for (let n = 0; n < count; n++) sdk.track('add_to_cart', { sku: 'b-7', price: 1999, mark: `m${run}x${n}x` });
  await null;
  const written = performance.now();
  await task();
  const alone = performance.now();
  for (let n = 0; n < count; n++) localStorage.setItem(`bare:${n % 50}`, text + n);
  return { calls: ((written - begun) * 1e3) / count, bare: ((performance.now() - alone) * 1e3) / count };
};

/** One call per `every` ms. */
export const paced = async (count, run, every) => {
  for (let n = 0; n < count; n++) {
    await new Promise((next) => setTimeout(next, every));
    sdk.track('add_to_cart', { sku: 'b-7', price: 1999, mark: `m${run}x${n}x` });
  }
};

/** `each` calls per task, a task per 20 ms. */
export const many = async (count, run, each) => {
  for (let n = 0; n < count; ) {
    await new Promise((next) => setTimeout(next, 20));
    for (const end = n + each; n < end; n++) sdk.track('add_to_cart', { sku: 'b-7', price: 1999, mark: `m${run}x${n}x` });
  }
};

/** How long the first access to localStorage takes in this page, µs. */
export const firstAccess = () => {
  const begun = performance.now();
  localStorage.getItem('a');
  return (performance.now() - begun) * 1e3;
};

/** When the parts of the start were done, ms after the script's last byte was there. */
export const started = () => {
  const script = document.querySelector('script[src]')?.src;
  const arrived = script ? performance.getEntriesByName(script)[0].responseEnd : bench.ran;
  return {
    origin: performance.timeOrigin + arrived,
    script: bench.ran - arrived,
    init: bench.returned - bench.called,
    ready: bench.ready ? bench.ready - arrived : null,
  };
};

/** Scripts that run before the subject's. */
export const PROBES = {
  /** `bench.ready` is when the wasm has started and its first task is over; `bench.wasm` its memory. */
  wasm: `{
  const real = WebAssembly.instantiate;
  WebAssembly.instantiate = (...args) =>
    real(...args).then((done) => {
      // What a compiled module becomes is the instance itself.
      bench.wasm = (done.instance ?? done).exports.memory;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (bench.ready ??= performance.now());
      port2.postMessage(0);
      return done;
    });
}`,
  /** `bench.counts`: how often each of the browser's functions was called, and for how many ms in all. */
  counters: `{
  bench.counts = {};
  const note = (name, begun) => {
    const count = (bench.counts[name] ??= [0, 0]);
    count[0]++;
    count[1] += performance.now() - begun;
  };
  const shape = (key) =>
    ('' + key).replace(/[\\da-f]{8}-[\\da-f-]{27}/g, '<id>').replace(/\\d+/g, '#').replace(/\\.\\w+$/, '.<token>');
  const timed = (name, work) =>
    function (...args) {
      const begun = performance.now();
      try {
        return work.apply(this, args);
      } finally {
        note(typeof name === 'string' ? name : name(...args), begun);
      }
    };
  const wrap = (object, name, as) => (object[name] = timed(as, object[name]));
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
  Object.defineProperty(Document.prototype, 'cookie', { get: timed('cookie read', get), set: timed('cookie write', set) });
  wrap(Storage.prototype, 'getItem', (key) => 'localStorage read ' + shape(key));
  wrap(Storage.prototype, 'setItem', (key) => 'localStorage write ' + shape(key));
  wrap(Storage.prototype, 'removeItem', (key) => 'localStorage remove ' + shape(key));
  wrap(window, 'fetch', 'request fetch');
  wrap(XMLHttpRequest.prototype, 'send', 'request xhr');
  wrap(Navigator.prototype, 'sendBeacon', 'request beacon');
  wrap(window, 'setTimeout', 'timer set');
  wrap(window, 'clearTimeout', 'timer cleared');
  const real = WebAssembly.instantiate;
  WebAssembly.instantiate = (...args) =>
    real(...args).then((done) => {
      const exports = {};
      for (const [name, value] of Object.entries((done.instance ?? done).exports))
        exports[name] = typeof value === 'function' ? timed('wasm ' + name, value) : value;
      // What a compiled module becomes is the instance itself.
      return done.instance ? { ...done, instance: { exports } } : { exports };
    });
}`,
};
