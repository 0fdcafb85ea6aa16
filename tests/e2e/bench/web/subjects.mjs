/** What is measured: nothing, a bare write, ours, and the other SDKs, each in a page of the same shape. */
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
  all.headwater = { folder: dist, file: 'headwater.iife.js', adapter: OURS, collector: await startCollector('headwater') };
  for (const { name, folder, file } of peers) all[name] = { folder, file, collector: await startCollector(name) };
  for (const [name, subject] of Object.entries(all)) {
    subject.name = name;
    subject.files = new Set();
    subject.endpoint = subject.collector?.address ?? '';
  }
  return all;
};
