/** What is measured: nothing, a bare write, one with its share of a bare request, ours, and the other SDKs, each in a page of the same shape. */
import { startCollector } from './collector.mjs';

/** The page's own loop. */
const EMPTY = 'window.sdk = { start() {}, track() {} }';

/** About what the journal keeps of such an event. */
const BARE = `{
  const text = '"ts":1710320000123,"type":"custom","url":"/","name":"add_to_cart","props":{"sku":"b-7","price":1999}}';
  let n = 0;
  window.sdk = {
    start() {
      addEventListener('storage', () => {});
      localStorage.getItem('bare');
    },
    track() {
      localStorage.setItem('bare:' + (n % 50), text + n++);
    },
  };
}`;

/** The least that an event costs which is kept and sent: a bare write, and a request for each ten, unpacked and without company. */
const FLOOR = `{
  ${BARE}
  const { start, track } = sdk;
  const body = new Uint8Array(540).fill(42);
  let calls = 0;
  let endpoint;
  const send = async () => {
    const answer = await fetch(endpoint, { method: 'POST', body, headers: { 'content-type': 'text/plain' }, credentials: 'omit' });
    answer.headers.get('hw-ack');
  };
  window.sdk = {
    start(address) {
      start();
      endpoint = address;
    },
    track() {
      track();
      if (++calls % 10 === 0) send();
    },
  };
}`;

const OURS = `window.sdk = {
  start: (endpoint) => headwater.init({ site: 'bench', endpoint: endpoint + '/collect' }),
  track: headwater.track,
}`;

/**
 * By name. Whatever sends has a collector of its own. The other SDKs come bundled with `../peers/<package>.mjs` (`+` for
 * `/`), which sets `window.sdk = { start(endpoint), track(name, props) }`; what `start` returns is awaited. Their settings
 * are the defaults, but for these: all that would add events (page views, clicks, replays) or ask their makers' servers
 * is off, and limits that would drop what is measured are lifted.
 */
export const startSubjects = async ({ dist, peers }) => {
  const all = { empty: { adapter: EMPTY }, 'bare write': { adapter: BARE } };
  all['bare write and request'] = { adapter: FLOOR, sink: await startCollector('bare') };
  all.headwater = { folder: dist, file: 'headwater.iife.js', adapter: OURS, collector: await startCollector('headwater') };
  for (const { name, folder, file } of peers) all[name] = { folder, file, collector: await startCollector(name) };
  for (const [name, subject] of Object.entries(all)) {
    subject.name = name;
    subject.files = new Set();
    subject.endpoint = (subject.collector ?? subject.sink)?.address ?? '';
  }
  return all;
};
