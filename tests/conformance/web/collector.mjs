/** The server of one page: keeps each request open until the scenario says how it ends. */
import http from 'node:http';

import { CORS, textOf } from '../../e2e/harness/proxy.mjs';

/** Never used twice: on a connection that was, a browser asks again by itself when it breaks. */
const HEADERS = { ...CORS, connection: 'close' };

/** How long a request may take to arrive, ms. */
const ARRIVAL_MS = 20_000;

export class Collector {
  /** By number: `{ n, by, body, response }`. */
  received = new Map();
  #server;
  #news = () => {};

  static async start() {
    const collector = new Collector();
    collector.#server = http.createServer((request, response) => collector.#take(request, response));
    await new Promise((ready) => collector.#server.listen(0, '127.0.0.1', ready));
    collector.address = `http://127.0.0.1:${collector.#server.address().port}`;
    return collector;
  }

  async #take(request, response) {
    if (request.method !== 'POST') return response.writeHead(405, HEADERS).end();
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The page went away while it spoke.
    }
    const { searchParams } = new URL(request.url, this.address);
    const [n, by] = [Number(searchParams.get('n')), searchParams.get('by')];
    this.received.set(n, { n, by, body: JSON.parse(textOf(Buffer.concat(chunks))), response });
    if (by === 'beacon') response.writeHead(204, HEADERS).end();
    this.#news();
  }

  /** Waits until the first `count` requests are here. */
  async arrival(count) {
    const end = Date.now() + ARRIVAL_MS;
    while (this.received.size < count) {
      if (Date.now() > end) throw Error(`request ${count} of the page left and did not arrive`);
      await new Promise((news) => {
        const timer = setTimeout(news, ARRIVAL_MS);
        this.#news = () => {
          clearTimeout(timer);
          news();
        };
      });
    }
  }

  stop() {
    this.#server.closeAllConnections();
    return new Promise((done) => this.#server.close(done));
  }
}

/** Ends a request: with an answer, or without. */
export const end = ({ response }, answer) => {
  if (!answer) return response.destroy();
  const headers = { ...HEADERS };
  if (answer.ack !== undefined) headers['hw-ack'] = `${answer.ack}`;
  if (answer.retryAfter !== undefined) headers['retry-after'] = `${answer.retryAfter}`;
  if (answer.time !== undefined) headers['hw-time'] = `${answer.time}`;
  response.writeHead(answer.status, headers).end(answer.body && JSON.stringify(answer.body));
};
