/** What a bridge that is away, in trouble or picky makes of a request. */
import { base64url, event, native, plain } from './bodies.mjs';

const AWAY = { status: 503, headers: { 'hw-ack': '0', 'retry-after': /^[1-9]\d*$/ }, json: () => ({ error: 'unavailable' }) };
const NO_OUTBOX = { native: 'it has no outbox', fastly: 'it has no outbox' };
const HAS_OUTBOX = { workerd: 'it has an outbox, which takes the plain form' };
const ELSEWHERE = { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Welcome to the guest network</h1>' };
const busy = (seconds) => ({ status: 503, headers: { 'hw-ack': '0', 'retry-after': `${seconds}` }, body: '{}' });

export const behind = [
  {
    name: 'a bridge that is away: come again',
    fault: 'refuse',
    send: (me) => ({ body: native(me) }),
    expect: AWAY,
    records: () => [],
  },
  {
    name: 'a lost answer of the bridge: come again',
    fault: 'drop',
    send: (me) => ({ body: native(me) }),
    expect: AWAY,
    records: () => [{ seq: 0 }, { seq: 1 }, { seq: 2 }],
  },
  {
    name: 'what was not settled is forwarded again',
    fault: 'drop',
    before: (me) => [{ body: native(me) }],
    healed: true,
    send: (me) => ({ body: native(me) }),
    expect: { status: 204, headers: { 'hw-ack': '3' } },
    records: () => [0, 1, 2, 0, 1, 2].map((seq) => ({ seq })),
  },
  {
    name: 'a bridge without room: come again when it says',
    fault: busy(1),
    send: (me) => ({ body: native(me) }),
    expect: { ...AWAY, headers: { ...AWAY.headers, 'retry-after': '1' } },
    records: () => [],
  },
  {
    name: 'a stranger in the place of the bridge settles nothing',
    fault: ELSEWHERE,
    send: (me) => ({ body: native(me) }),
    expect: AWAY,
    records: () => [],
  },
  {
    name: 'a bridge that does not know the key: come again',
    fault: { status: 401, headers: { 'hw-ack': '0', 'retry-after': '1' }, body: '{"error":"unauthorized"}' },
    send: (me) => ({ body: native(me) }),
    expect: AWAY,
  },
  {
    name: 'what the bridge never takes is named in the ledger and in the answer',
    fault: { spoil: 1 },
    send: (me) => ({ body: native(me) }),
    expect: {
      status: 200,
      headers: { 'hw-ack': '3' },
      json: (me) => ({ rejected: [{ stream: me.stream, seq: 1, reason: 'rejected' }] }),
    },
    records: () => [{ seq: 0 }, { seq: 2 }],
    ledger: (me) => [{ stream: me.stream, lost: [[1, 2, 'rejected']], by: 'collector' }],
  },
  {
    name: 'a request of one event that the bridge never takes is settled by its name',
    fault: { spoil: 0 },
    send: (me) => ({ body: native(me, { events: [event(me, 7)] }) }),
    expect: { status: 200, headers: { 'hw-ack': '1' } },
    records: () => [],
    ledger: () => [{ lost: [[7, 8, 'rejected']] }],
  },
  {
    name: 'the pixel is an image while the bridge is away',
    fault: 'refuse',
    send: (me) => ({ method: 'GET', path: `/pixel.gif?events=${base64url(plain(me))}`, body: undefined }),
    expect: { status: 200, headers: { 'hw-ack': '0', 'content-type': 'image/gif' } },
    records: () => [],
    not: HAS_OUTBOX,
  },
  {
    name: 'the plain form while the bridge is away: come again',
    fault: 'refuse',
    send: (me) => ({ body: plain(me) }),
    expect: AWAY,
    records: () => [],
    not: HAS_OUTBOX,
  },
  {
    name: 'a pixel while the bridge is away is kept, and reaches it later',
    fault: 'refuse',
    send: (me) => ({ method: 'GET', path: `/pixel.gif?events=${base64url(plain(me))}`, body: undefined }),
    expect: { status: 200, headers: { 'hw-ack': '3', 'content-type': 'image/gif' } },
    later: (me) => [{ client_id: me.client, event_type: 'pageview' }, { event_type: 'click' }, { name: 'video_play' }],
    not: NO_OUTBOX,
  },
  {
    name: 'the plain form while the bridge is away is kept, and reaches it later',
    fault: 'refuse',
    send: (me) => ({ body: plain(me) }),
    expect: { status: 204, headers: { 'hw-ack': '3' } },
    later: (me) => [{ client_id: me.client, event_type: 'pageview' }, { event_type: 'click' }, { name: 'video_play' }],
    not: NO_OUTBOX,
  },
  {
    name: 'what is forwarded once is settled from the seen cache',
    before: (me) => [{ body: native(me) }],
    eventually: true,
    send: (me) => ({ body: native(me) }),
    expect: { status: 204, headers: { 'hw-ack': '3' } },
    check: ({ requests }, assert) => assert.equal(requests.length, 0, 'nothing was forwarded again'),
    not: { fastly: 'it has no seen cache: copies pass, and the last stage finds them' },
  },
];
