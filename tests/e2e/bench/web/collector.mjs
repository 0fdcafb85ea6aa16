/** A collector on loopback that takes what any SDK sends, answers as that SDK wants, and keeps what it saw. */
import { gunzipSync } from 'node:zlib';

import { listen } from './listen.mjs';

const isGzip = (body) => body[0] === 0x1f && body[1] === 0x8b;

/** What was written before it was compressed. */
const plain = (body) => (isGzip(body) ? gunzipSync(body) : body);

const tried = (decode, text) => {
  try {
    return decode(text);
  } catch {
    return '';
  }
};

/** All that the text of a request may hide: as it is, decoded as a form, and base64 within that. */
const readings = (text) => {
  const form = tried(decodeURIComponent, text.replaceAll('+', '%20'));
  const encoded = /^(?:data=)?([\w+/=-]+)$/.exec(form)?.[1] ?? '';
  return [text, form, Buffer.from(encoded, 'base64').toString()];
};

/** Marks of events (`inpage.mjs`) in a request. */
export const marks = ({ body, path }) => {
  const found = new Set();
  for (const text of [...readings(tried(plain, body).toString()), ...readings(path)]) {
    for (const [mark] of text.matchAll(/m\d+x\d+x/g)) found.add(mark);
  }
  return found;
};

/** What SDKs read in an answer; an empty object does for the others. */
const ANSWERS = {
  bare: () => [204, '', {}],
  headwater: ({ body }) => {
    const { batches } = JSON.parse(plain(body));
    const events = batches.reduce((sum, batch) => sum + batch.events.length, 0);
    return [204, '', { 'hw-ack': `${events}`, 'hw-time': `${Date.now()}` }];
  },
  'posthog-js': () => [200, '{"status":1,"featureFlags":{},"supportedCompression":["gzip-js"]}'],
  'mixpanel-browser': () => [200, '{"status":1,"error":null}'],
  '@amplitude/analytics-browser': () => [200, '{"code":200}'],
  '@segment/analytics-next': () => [200, '{"success":true}'],
  '@rudderstack/analytics-js': ({ path }) => [200, path.includes('sourceConfig') ? RUDDER_SOURCE : '"OK"'],
};

const RUDDER_SOURCE = JSON.stringify({
  source: {
    id: 'bench',
    name: 'bench',
    writeKey: 'bench',
    config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
    enabled: true,
    workspaceId: 'bench',
    destinations: [],
    connections: [],
    dataplanes: {},
  },
});

/** CORS as generous as a collector can be, so that no SDK pays for more preflights than it must. */
const cors = ({ headers }) => ({
  'access-control-allow-credentials': 'true',
  'access-control-allow-headers': headers['access-control-request-headers'] ?? '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-origin': headers.origin ?? '*',
  'access-control-expose-headers': 'hw-ack, hw-time, retry-after',
  'access-control-max-age': '7200',
  'cross-origin-resource-policy': 'cross-origin',
});

export const startCollector = async (name) => {
  const collector = {
    /** Every request: its time, method, path and body. */
    seen: [],
    /** Whether nobody answers. */
    offline: false,
  };
  const served = await listen(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The browser went away while it spoke.
    }
    if (collector.offline) return response.destroy();
    const entry = { at: Date.now(), method: request.method, path: request.url, body: Buffer.concat(chunks) };
    collector.seen.push(entry);
    if (request.method === 'OPTIONS') return response.writeHead(204, cors(request)).end();
    const [status, text, headers] = (ANSWERS[name] ?? (() => [200, '{}']))(entry);
    response.writeHead(status, { 'content-type': 'application/json', ...cors(request), ...headers }).end(text);
  });
  return Object.assign(collector, served);
};

/** What requests cost the wire, headers apart: their bodies, and what a GET says in its address. */
export const wire = (requests) => {
  const spoken = requests.filter(({ method }) => method !== 'OPTIONS');
  const asked = ({ method, path }) => (method === 'GET' ? (path.split('?')[1] ?? '').length : 0);
  const sum = (size) => spoken.reduce((total, request) => total + size(request), 0);
  return {
    requests: spoken.length,
    preflights: requests.length - spoken.length,
    bytes: sum((request) => request.body.length + asked(request)),
    plain: sum((request) => tried(plain, request.body).length + asked(request)),
    gzip: spoken.some(({ body }) => isGzip(body)),
  };
};
