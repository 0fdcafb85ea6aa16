/**
 * What the worker is measured beside: a collector in plain JavaScript that checks the same envelope and the fields of each
 * event, adds what an enriched event has, and forwards NDJSON to the same bridge. No ledger, no seen cache, no outbox.
 */
const SITES = new Set(['site-123']);

const refuse = (status, error) => new Response(JSON.stringify({ error }), { status, headers: { 'hw-ack': '0' } });

const isText = (value, most) => value === undefined || value === null || (typeof value === 'string' && value.length <= most);

const isSound = (event) =>
  typeof event?.type === 'string' &&
  event.type.length <= 64 &&
  Number.isInteger(event.ts) &&
  Number.isInteger(event.seq) &&
  isText(event.name, 512) &&
  isText(event.url, 8192) &&
  isText(event.referrer, 8192) &&
  (event.props === undefined || (typeof event.props === 'object' && event.props !== null));

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export default {
  async fetch(request, env) {
    const body = await request.text();
    if (body.length > 1 << 20) return refuse(413, 'too_large');
    let sent;
    try {
      sent = JSON.parse(body);
    } catch {
      return refuse(400, 'malformed');
    }
    if (!SITES.has(sent.site_id)) return refuse(401, 'unauthorised');
    if (!Array.isArray(sent.batches)) return refuse(400, 'malformed');
    const now = Date.now();
    const lines = [];
    for (const batch of sent.batches) {
      if (typeof batch.stream !== 'string' || typeof batch.client_id !== 'string') return refuse(400, 'malformed');
      for (const event of batch.events) {
        if (!isSound(event)) return refuse(422, 'unprocessable');
        lines.push(
          JSON.stringify({
            event_id: hex(crypto.getRandomValues(new Uint8Array(16))),
            stream: batch.stream,
            seq: event.seq,
            site_id: sent.site_id,
            client_id: batch.client_id,
            session_id: event.session_id,
            platform: batch.context?.platform,
            event_type: event.type,
            name: event.name,
            url: event.url,
            path: event.url?.split('?')[0],
            country: request.cf?.country,
            region: request.cf?.regionCode,
            city: request.cf?.city,
            timezone: request.cf?.timezone,
            timestamp: event.ts,
            ts: event.ts,
            sent_at: sent.sent_at,
            received_at: now,
            schema_version: 1,
            sdk: batch.context?.sdk,
            props: event.props,
          }),
        );
      }
    }
    const answer = await fetch(`${env.BRIDGE_URL}/v1/batches`, {
      method: 'POST',
      headers: { authorization: `Bearer ${env.BRIDGE_KEY}`, 'content-type': 'application/x-ndjson' },
      body: `${lines.join('\n')}\n`,
    });
    const { results } = await answer.json();
    if (answer.headers.get('hw-ack') !== `${lines.length}` || !results.every(({ outcome }) => outcome === 'accepted')) {
      return refuse(503, 'unavailable');
    }
    return new Response(null, { status: 204, headers: { 'hw-ack': `${lines.length}` } });
  },
};
