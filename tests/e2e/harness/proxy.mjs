/**
 * A door with faults, before the real server: forwards everything to it, unless told otherwise, and keeps what it
 * saw. The faults are those of networks and of servers in trouble.
 */
import http from 'node:http';
import { gunzipSync } from 'node:zlib';

/** The text of a body: packed bodies are known by how gzip begins, as the collector knows them. */
export const textOf = (body) => (body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body).toString();

/** CORS as the collector says it, for answers that the proxy gives itself. */
export const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'hw-ack, hw-time, retry-after',
};

export const startProxy = async (target) => {
  const { hostname, port } = new URL(target);
  const proxy = {
    /**
     * `(n) => fault` for the n-th POST: undefined, '410', '503', 'empty 200', 'drop answer', 'offline'; `{ delayMs }`:
     * the answer comes later; `{ say }`: what the server settled is answered with this object as its body (`delayMs`
     * later); `{ foreign }`: not the server but somebody else answers 200 with this object; `{ busy }`: a collector's
     * 503 with so many seconds of Retry-After.
     */
    fault: () => undefined,
    /**
     * The site that the scenario is about. What pages of another site still have to say is only passed on: it meets no
     * fault, and nobody sees it. Without one all are the scenario's.
     */
    site: undefined,
    /** Every request: method, path, body as text, its bytes as they came, fault, status. */
    seen: [],
    /** The parsed bodies of the POSTs, oldest first. */
    requests: () => proxy.seen.filter((s) => s.method === 'POST').map((s) => JSON.parse(s.body)),
    /** The next POST is number 0. */
    restart: () => (posts = 0),
    address: '',
    /** Nobody listens at the address; then somebody does again. */
    close: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
    open: () =>
      new Promise((ready) => {
        if (server.listening) ready();
        else server.listen(new URL(proxy.address).port, '127.0.0.1', ready);
      }),
    stop: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
  };
  let posts = 0;
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The browser went away while it spoke.
    }
    const body = Buffer.concat(chunks);
    const { method, url, headers: received } = request;
    const text = textOf(body);
    const isOurs = !(proxy.site && method === 'POST' && !text.includes(`"site_id":"${proxy.site}"`));
    const fault = isOurs && method === 'POST' ? proxy.fault(posts++) : undefined;
    const entry = { method, path: url, body: text, bytes: body.length, headers: received, fault };
    if (isOurs) proxy.seen.push(entry);
    if (fault === 'offline') return response.destroy();
    if (fault === '410' || fault === '503' || fault?.busy) {
      const headers = { ...CORS, 'hw-ack': '0', 'hw-time': `${Date.now()}`, 'retry-after': `${fault.busy ?? 1}` };
      response.writeHead(fault.busy ? 503 : +fault, headers);
      return response.end('{"error":"fault","message":"by the test"}');
    }
    if (fault === 'empty 200') return response.writeHead(200, CORS).end();
    if (fault?.foreign) return response.writeHead(200, CORS).end(JSON.stringify(fault.foreign));
    const headers = { ...request.headers, host: `${hostname}:${port}` };
    const onward = http.request({ hostname, port, method: request.method, path: request.url, headers }, (answer) => {
      entry.status = answer.statusCode;
      if (fault === 'drop answer') {
        answer.resume().on('end', () => response.destroy());
        return;
      }
      if (fault?.say && answer.headers['hw-ack'] && answer.statusCode < 300) {
        answer.resume().on('end', async () => {
          await new Promise((wake) => setTimeout(wake, fault.delayMs ?? 0));
          response.writeHead(200, { ...CORS, 'hw-ack': answer.headers['hw-ack'] });
          response.end(JSON.stringify(fault.say));
        });
        return;
      }
      setTimeout(() => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      }, fault?.delayMs ?? 0);
    });
    onward.on('error', () => response.destroy());
    onward.end(body);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  proxy.address = `http://127.0.0.1:${server.address().port}`;
  return proxy;
};
