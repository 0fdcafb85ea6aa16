/** What is refused as a whole: nothing of it reaches the bridge. */
import { gzipSync } from 'node:zlib';

import { ORIGIN, event, native, plain } from './bodies.mjs';

const refused = (name, status, error, send, more = {}) => ({
  name,
  send,
  expect: {
    status,
    headers: { 'hw-ack': '0', 'hw-time': /^\d{13}$/, 'content-type': 'application/json', 'cache-control': 'no-store', ...more.headers },
    json: () => ({ error, message: more.message ?? /./ }),
  },
  records: () => [],
  ledger: () => [],
});

const malformed = (name, body, message) => refused(name, 400, 'malformed', (me) => ({ body: body(me) }), { message });

export const refusals = [
  malformed('an empty body', () => '', /^body: empty/),
  malformed('no JSON', () => 'hello', /^body: /),
  malformed('broken JSON names its field', (me) => plain(me).slice(0, -30), /^events\[2\]/),
  malformed('broken gzip', (me) => gzipSync(plain(me)).subarray(0, 60), /^body: broken gzip/),
  malformed('two forms at once', (me) => native(me, { events: [], client_id: 'c' }).replace('"batches"', '"events":[],"batches"'), /^events: /),
  malformed('no site', (me) => plain(me).replace('"site_id"', '"site"'), /site_id/),
  malformed('no client', (me) => plain(me).replace('"client_id"', '"client"'), /^client_id: missing/),
  malformed('an unknown version', (me) => native(me, { v: 2 }), /^v: version 2/),
  malformed('a stream that is no UUID', (me) => native(me, { batch: { stream: 'x' } }), /^batches\[0\].stream/),
  malformed('a forged head', (me) => native(me, { batch: { at: [0, 2 ** 31 + 1] } }), /^batches\[0\].at/),
  malformed('a forged loss', (me) => native(me, { batch: { lost: [[3, 3, 'x']] } }), /^batches\[0\].lost\[0\]/),
  refused('an unknown site', 401, 'unauthorised', (me) => ({ body: plain(me, { site: 'site-789' }) }), { message: /^site_id/ }),
  refused('a wrong key', 401, 'unauthorised', (me) => ({ headers: { authorization: 'Bearer key-2' }, body: plain(me) }), { message: /^Authorization/ }),
  refused('a key that is no bearer', 401, 'unauthorised', (me) => ({ headers: { authorization: 'Basic a2V5' }, body: plain(me) }), { message: /^Authorization/ }),
  refused('an import without a key', 401, 'unauthorised', (me) => ({ body: plain(me, { import: true }) }), { message: /^import/ }),
  refused('a page of another origin', 403, 'forbidden', (me) => ({ headers: { origin: 'https://evil.example' }, body: plain(me) }), {
    message: /^Origin/,
    headers: { 'access-control-allow-origin': undefined },
  }),
  refused('a refusal can be read by a page of the site', 400, 'malformed', () => ({ headers: { origin: ORIGIN }, body: '{' }), {
    headers: { 'access-control-allow-origin': ORIGIN },
  }),
  refused('a body of more than 1 MiB', 413, 'too_large', () => ({ body: ' '.repeat((1 << 20) + 1) }), { message: /^body: / }),
  refused('a bomb', 413, 'too_large', () => ({ body: gzipSync(' '.repeat((8 << 20) + 1)) }), { message: /^body: more than 8388608 bytes after/ }),
  refused('too many events', 413, 'too_large', (me) => ({ body: plain(me, { events: Array(10_001).fill({}) }) }), { message: /^events: 10001/ }),
  refused('no event that can be accepted', 422, 'unprocessable', (me) => ({ body: native(me, { events: [event(me, 0, { ts: -1 })] }) }), {
    message: /^batches\[0\].events\[0\].ts: negative/,
  }),
  refused('an event of more than 64 KiB', 422, 'unprocessable', (me) => ({ body: native(me, { events: [event(me, 0, { url: 'x'.repeat(65_536) })] }) }), {
    message: /^batches\[0\].events\[0\]: \d+ bytes/,
  }),
  refused('an event of the day after tomorrow', 422, 'unprocessable', (me) => ({ body: plain(me, { events: [{ type: 'x', ts: me.now + 2 * 86_400_000 }] }) }), {
    message: /ahead of our clock/,
  }),
  refused('another method', 405, 'method_not_allowed', () => ({ method: 'PUT', body: '' }), { headers: { allow: 'OPTIONS, POST' } }),
  refused('another method of the pixel', 405, 'method_not_allowed', () => ({ path: '/pixel.gif', body: '' }), { headers: { allow: 'GET, HEAD' } }),
  refused('another method of health', 405, 'method_not_allowed', () => ({ method: 'DELETE', path: '/healthz', body: undefined }), {
    headers: { allow: 'GET, HEAD' },
  }),
  {
    name: 'a path that is not ours',
    send: () => ({ method: 'GET', path: '/', body: undefined }),
    expect: { status: 404, headers: { 'hw-ack': undefined }, body: '' },
  },
  {
    name: 'a preflight of a page of the site',
    send: () => ({ method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-method': 'POST' }, body: undefined }),
    expect: {
      status: 204,
      headers: {
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': 'authorization, content-encoding, content-type',
        'access-control-max-age': '7200',
        vary: 'Origin',
      },
      body: '',
    },
  },
  {
    name: 'a preflight of another page',
    send: () => ({ method: 'OPTIONS', headers: { origin: 'https://evil.example' }, body: undefined }),
    expect: { status: 403, headers: { 'access-control-allow-origin': undefined }, json: () => ({ error: 'forbidden' }) },
  },
];
