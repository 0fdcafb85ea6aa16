/** What senders send. `me` is a client and a stream of the case's own. */
import { randomUUID } from 'node:crypto';

/** The sites that every host is given. */
export const SITES = JSON.stringify({
  site: [
    { id: 'site-123', origins: ['https://shop.example'], secret_keys: ['key-1'] },
    { id: 'site-456', settings: { sample: 2500 } },
  ],
});

export const ORIGIN = 'https://shop.example';

export const newcomer = () => ({ client: `client-${randomUUID()}`, stream: randomUUID(), session: randomUUID(), now: Date.now() });

/** The plain form as DESIGN.md has it, with this client and these times. */
export const plain = (me, { site = 'site-123', events, ...more } = {}) => {
  const s = Math.floor(me.now / 1000);
  return JSON.stringify({
    site_id: site,
    client_id: me.client,
    session_id: me.session,
    events: events ?? [
      { type: 'pageview', url: '/pricing?utm_source=news', ts: s - 10, referrer: 'google.com' },
      { type: 'click', element: '#signup-btn', ts: s - 5 },
      { type: 'custom', name: 'video_play', props: { video_id: 'v123' }, ts: s },
    ],
    ...more,
  });
};

/** An event of the native form. */
export const event = (me, seq, more = {}) => ({
  seq,
  type: 'pageview',
  ts: me.now - 1000 + seq,
  session_id: me.session,
  url: '/pricing',
  ...more,
});

/** The native form with one batch. */
export const native = (me, { site = 'site-123', seqs = [0, 1, 2], events, batch = {}, ...more } = {}) =>
  JSON.stringify({
    v: 1,
    site_id: site,
    sent_at: me.now,
    batches: [
      {
        stream: me.stream,
        client_id: me.client,
        user_id: null,
        context: { sdk: 'web/0.1.0', platform: 'web', locale: 'en-GB', screen: '1512x982' },
        events: events ?? seqs.map((seq) => event(me, seq)),
        ...batch,
      },
    ],
    ...more,
  });

export const base64url = (text) => Buffer.from(text).toString('base64url');
