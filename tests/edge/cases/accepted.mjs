/** What is taken, how it is acknowledged, and what of it reaches the bridge. */
import { gzipSync } from 'node:zlib';

import { ORIGIN, base64url, event, native, plain } from './bodies.mjs';

const SETTLED = (n) => ({ status: 204, headers: { 'hw-ack': `${n}`, 'cache-control': 'no-store' }, body: '' });
const pixel = (text) => ({ method: 'GET', path: `/pixel.gif?events=${text}`, body: undefined });
const GIF = (n) => ({
  status: 200,
  headers: { 'hw-ack': `${n}`, 'content-type': 'image/gif', 'cross-origin-resource-policy': 'cross-origin' },
  begins: 'GIF89a',
});

export const accepted = [
  {
    name: 'the plain form is taken as it stands',
    send: (me) => ({ body: plain(me) }),
    expect: SETTLED(3),
    records: (me) => [
      { client_id: me.client, session_id: me.session, event_type: 'pageview', path: '/pricing', utm_source: 'news' },
      { event_type: 'click', element: '#signup-btn', stream: undefined },
      { name: 'video_play', props: { video_id: 'v123' }, ts: Math.floor(me.now / 1000) * 1000 },
    ],
  },
  {
    name: 'an answer says when it was sent',
    send: (me) => ({ body: plain(me) }),
    expect: { status: 204, headers: { 'hw-time': /^\d{13}$/, vary: 'Origin' } },
  },
  {
    name: 'a retry of the plain form gives its events the same ids',
    before: (me) => [{ body: plain(me) }],
    send: (me) => ({ body: plain(me) }),
    expect: SETTLED(3),
    check: ({ records }, assert) => {
      const ids = records.map((record) => record.event_id);
      assert.deepEqual(ids.slice(3), ids.slice(0, 3));
      assert.equal(new Set(ids).size, 3);
    },
  },
  {
    name: 'the native form is taken with its names',
    send: (me) => ({ body: native(me) }),
    expect: SETTLED(3),
    records: (me) => [0, 1, 2].map((seq) => ({ stream: me.stream, seq, sdk: 'web/0.1.0', locale: 'en-GB' })),
  },
  {
    name: 'a request without events is settled',
    send: (me) => ({ body: native(me, { seqs: [] }) }),
    expect: SETTLED(0),
    records: () => [],
  },
  {
    name: 'what a sender says of its stream is in the ledger',
    send: (me) => ({
      body: native(me, { seqs: [4], batch: { at: [4, 5], lost: [[2, 4, 'queue_full']], refused: { sampled: 3 }, end: true } }),
    }),
    expect: SETTLED(1),
    ledger: (me) => [
      { stream: me.stream, at: [4, 5], lost: [[2, 4, 'queue_full']], refused: { sampled: 3 }, end: true, by: 'sdk' },
    ],
  },
  {
    name: 'events beside one that can never be accepted are taken',
    send: (me) => ({ body: native(me, { events: [event(me, 0), event(me, 1, { ts: -5 }), event(me, 2)] }) }),
    expect: {
      status: 200,
      headers: { 'hw-ack': '3', 'content-type': 'application/json' },
      json: (me) => ({ rejected: [{ stream: me.stream, seq: 1, reason: 'rejected' }] }),
    },
    records: () => [{ seq: 0 }, { seq: 2 }],
    ledger: (me) => [{ stream: me.stream, lost: [[1, 2, 'rejected']] }],
  },
  {
    name: 'a plain event that can never be accepted is named by its index',
    send: (me) => ({ body: plain(me, { events: [{ type: 'x', ts: me.now }, { ts: me.now }] }) }),
    expect: { status: 200, headers: { 'hw-ack': '2' }, json: () => ({ rejected: [{ index: 1, reason: 'rejected' }] }) },
    records: () => [{ event_type: 'x' }],
    ledger: () => [{ unnamed: { rejected: 1 }, by: 'collector' }],
  },
  {
    name: 'the settings of a site are told to its SDKs',
    send: (me) => ({ body: native(me, { site: 'site-456' }) }),
    expect: { status: 200, headers: { 'hw-ack': '3' }, json: () => ({ settings: { sample: 2500 } }) },
  },
  {
    name: 'a copy within a request is one event',
    send: (me) => ({ body: native(me, { seqs: [0, 1, 1, 0] }) }),
    expect: SETTLED(4),
    records: () => [{ seq: 0 }, { seq: 1 }],
  },
  {
    name: 'a wrong clock is corrected by its difference',
    send: (me) => ({ body: native({ ...me, now: me.now - 3_600_000 }, { seqs: [0] }) }),
    expect: SETTLED(1),
    check: ({ records: [record], me }, assert) => {
      assert.ok(Math.abs(record.timestamp - me.now) < 60_000, `${record.timestamp} is not about ${me.now}`);
      assert.equal(record.ts, me.now - 3_601_000);
    },
  },
  {
    name: 'gzip is known by its first bytes',
    send: (me) => ({ body: gzipSync(native(me)) }),
    expect: SETTLED(3),
    records: () => [{ seq: 0 }, { seq: 1 }, { seq: 2 }],
  },
  {
    name: 'a beacon of text/plain from a page of the site is taken',
    send: (me) => ({ headers: { origin: ORIGIN, 'content-type': 'text/plain;charset=UTF-8' }, body: native(me) }),
    expect: {
      status: 204,
      headers: {
        'access-control-allow-origin': ORIGIN,
        'access-control-expose-headers': 'hw-ack, hw-time, retry-after',
      },
    },
  },
  {
    name: 'the address is cut and the place is added',
    send: (me) => ({ headers: { 'cf-connecting-ip': '203.0.113.77' }, body: plain(me) }),
    expect: SETTLED(3),
    records: () => [{ ip: '203.0.113.0', country: 'NL', city: /^amsterdam$/i }, {}, {}],
    not: {
      native: 'the peer is on loopback, and a server knows places only from a file of its own',
      fastly: 'the peer is on loopback; the next case has its place',
    },
  },
  {
    name: 'the place of an address on loopback is what the platform says',
    send: (me) => ({ body: plain(me) }),
    expect: SETTLED(3),
    records: () => [{ ip: '127.0.0.0', country: 'NL', region: 'NH', city: /^amsterdam$/i }, {}, {}],
    not: {
      native: 'a server knows places only from a file of its own',
      workerd: 'its address is a header of the platform; the case before has it',
    },
  },
  {
    name: 'a back end with a secret key is taken without its address',
    send: (me) => ({ headers: { authorization: 'Bearer key-1', 'cf-connecting-ip': '203.0.113.77' }, body: plain(me) }),
    expect: SETTLED(3),
    records: () => [{ ip: undefined, country: undefined }, {}, {}],
  },
  {
    name: 'an import with a secret key may be years old',
    send: (me) => ({
      headers: { authorization: 'Bearer key-1' },
      body: plain(me, { import: true, events: [{ type: 'order', ts: 1_310_320_000 }] }),
    }),
    expect: SETTLED(1),
    records: () => [{ timestamp: 1_310_320_000_000, import: true }],
  },
  {
    name: 'a trace goes on to the bridge as it came',
    send: (me) => ({
      headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' },
      body: plain(me),
    }),
    expect: SETTLED(3),
    check: ({ requests: [request] }, assert) => {
      assert.equal(request.headers.traceparent, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
      assert.equal(request.headers.tracestate, 'a=1');
    },
  },
  {
    name: 'the bridge is spoken to with the key, in NDJSON',
    send: (me) => ({ body: plain(me) }),
    expect: SETTLED(3),
    check: ({ requests: [request] }, assert) => {
      assert.equal(request.path, '/v1/batches');
      assert.match(request.headers.authorization, /^Bearer \S+$/);
      assert.equal(request.headers['content-type'], 'application/x-ndjson');
      assert.equal(request.body.trimEnd().split('\n').length, 3);
    },
  },
  {
    name: 'line breaks of a sender stay within its line',
    send: (me) => ({ body: plain(me, { events: [{ type: 'x', ts: me.now, props: { a: 1 } }] }).replace('{"a":1}', '{\n"a":\n"b\\nc"}') }),
    expect: SETTLED(1),
    records: () => [{ props: { a: 'b\nc' } }],
  },
  {
    name: 'the pixel takes the plain form',
    send: (me) => pixel(base64url(plain(me))),
    expect: GIF(3),
    records: (me) => [{ client_id: me.client }, {}, {}],
  },
  {
    name: 'the pixel with padding',
    send: (me) => pixel(encodeURIComponent(Buffer.from(plain(me)).toString('base64').replaceAll('+', '-').replaceAll('/', '_'))),
    expect: GIF(3),
  },
  { name: 'the pixel is an image without events too', send: () => ({ method: 'GET', path: '/pixel.gif', body: undefined }), expect: GIF(0), records: () => [] },
  { name: 'the pixel is an image whatever is wrong', send: () => pixel('*'), expect: GIF(0), records: () => [] },
  {
    name: 'who only asks for the pixel has seen no page',
    send: (me) => ({ ...pixel(base64url(plain(me))), method: 'HEAD' }),
    expect: { status: 200, headers: { 'hw-ack': '0' }, body: '' },
    records: () => [],
  },
  {
    name: 'health',
    send: () => ({ method: 'GET', path: '/healthz', body: undefined }),
    expect: { status: 200, headers: { 'hw-ack': undefined }, json: () => ({ status: 'ok' }) },
  },
];
