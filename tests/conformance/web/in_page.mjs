/**
 * Runs in a page before its scripts: both clocks are the scenario's, and what is under way is counted, so that the
 * runner knows when the page has come to rest. It reaches nothing of the SDK but the platform's functions.
 */
export const install = ({ mono, unix, collector, sentinel, seed, cold }) => {
  const native = { fetch: fetch.bind(window) };
  const DEADLINE_MS = 20_000;
  let under = 0;
  let timerNo = 0;
  let draws = 0;
  const timers = new Map();
  const heard = new Set();
  const begin = (promise) => {
    under++;
    return promise.finally(() => under--);
  };
  const turn = () =>
    new Promise((done) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(0);
    });

  const world = {
    /** The core was drawn. */
    begun: false,
    /** Names of the Web Locks that were granted. */
    locks: [],
    /** Requests made. */
    sends: 0,
    /** By number of the request: resolves when it has ended. */
    ended: {},
    /** What the page did to storage, requests and timers so far. */
    activity: 0,
    set: (now) => ({ mono, unix } = now),
    /** When the next timer is due; null if there is none. */
    next: () => (timers.size ? Math.min(...[...timers.values()].map(({ due }) => due)) : null),
    fire: () => {
      const [no, { run }] = [...timers].reduce((first, timer) => (timer[1].due < first[1].due ? timer : first));
      timers.delete(no);
      world.activity++;
      run();
    },
    isDue: () => timers.size > 0 && world.next() <= mono,
    /** Lets everything happen that needs no time; with `core`, the core too is waited for. */
    idle: async (core) => {
      const end = Date.real() + DEADLINE_MS;
      for (;;) {
        while (world.isDue()) {
          world.fire();
          await turn();
        }
        await turn();
        await turn();
        if (!under && !world.isDue() && (world.begun || !core)) return world.activity;
        if (Date.real() > end) throw Error(`the page does not come to rest: ${under} under way, core ${world.begun}`);
      }
    },
    /** Writes what other pages are to hear of, after everything that was written before. */
    mark: (value) => set.call(localStorage, sentinel, value),
    heard: async (value) => {
      const end = Date.real() + DEADLINE_MS;
      while (!heard.has(value)) {
        if (Date.real() > end) throw Error(`another page's storage event did not come`);
        await turn();
      }
    },
  };
  window.conformance = world;

  Date.real = Date.now;
  Date.now = () => unix;
  performance.now = () => mono;
  window.setTimeout = (run, delay = 0) => {
    timers.set(++timerNo, { run, due: mono + Math.max(0, delay) });
    return timerNo;
  };
  window.clearTimeout = (no) => timers.delete(no);

  window.fetch = (url, init) => {
    if (!`${url}`.startsWith(collector)) return begin(native.fetch(url, init));
    const answer = native.fetch(tagged(url, init.keepalive ? 'leaving' : 'fetch'), init);
    world.ended[world.sends] = answer.then(
      () => {},
      () => {},
    );
    return answer;
  };
  const beacon = navigator.sendBeacon.bind(navigator);
  navigator.sendBeacon = (url, body) => beacon(tagged(url, 'beacon'), body);
  /** The server cannot see the order in which requests left, nor how. The name of a window survives the page. */
  const tagged = (url, by) => {
    world.activity++;
    window.name = `${++world.sends}`;
    return `${url}?n=${world.sends}&by=${by}`;
  };

  for (const read of ['arrayBuffer', 'text']) {
    const whole = Response.prototype[read];
    Response.prototype[read] = function () {
      return begin(whole.call(this));
    };
  }
  if (window.WebAssembly) {
    const instantiate = WebAssembly.instantiate;
    WebAssembly.instantiate = (...module) => begin(instantiate(...module));
  }
  const open = IDBFactory.prototype.open;
  IDBFactory.prototype.open = function (...what) {
    const request = open.apply(this, what);
    begin(new Promise((done) => ['success', 'error'].forEach((end) => request.addEventListener(end, done))));
    return request;
  };
  const transaction = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (...what) {
    const begun = transaction.apply(this, what);
    if (what[1] === 'readwrite') world.activity++;
    begin(new Promise((done) => ['complete', 'abort'].forEach((end) => begun.addEventListener(end, done))));
    return begun;
  };
  // A browser without IndexedDB holds what localStorage may hold of us.
  if (!cold) delete window.indexedDB;
  const random = crypto.getRandomValues.bind(crypto);
  crypto.getRandomValues = (array) => {
    // 256 bits at once are the core's: each page has its own, the same in every run.
    if (!(array instanceof Uint32Array && array.length === 8)) return random(array);
    world.begun = true;
    return array.map((_, at) => (array[at] = at ? at : seed + 1_000 * ++draws));
  };

  const request = navigator.locks.request.bind(navigator.locks);
  navigator.locks.request = (name, options, granted) => {
    let asked = !!options.ifAvailable;
    if (asked) under++;
    const answered = () => {
      if (asked) under--;
      asked = false;
    };
    return request(name, options, (lock) => {
      answered();
      if (lock) world.locks.push(name);
      return granted(lock);
    }).finally(answered);
  };

  const { setItem: set, removeItem: remove } = Storage.prototype;
  Storage.prototype.setItem = function (...what) {
    world.activity++;
    return set.apply(this, what);
  };
  Storage.prototype.removeItem = function (...what) {
    world.activity++;
    return remove.apply(this, what);
  };
  addEventListener('storage', ({ key, newValue }) => {
    if (key === sentinel) heard.add(newValue);
  });
};
