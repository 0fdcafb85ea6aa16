/**
 * Driving a page without an automation protocol: the page itself asks a server of ours what to do, does it, and brings
 * the result with its next question. Browsers allow few connections to one server, and a question that waits occupies its
 * own: more than a few tabs need a server each.
 */
import http from 'node:http';

import { until } from './until.mjs';

const ANSWER_MS = 60_000;

/** Belongs into the head of every page. Where the questions go is the fragment of the tab's first address. */
export const SCRIPT = `<script>{
if (location.hash.startsWith('#http')) sessionStorage.door = decodeURIComponent(location.hash.slice(1));
const { door } = sessionStorage;
const page = Math.random().toString(36).slice(2);
let question;
const ask = async () => {
  const { signal } = (question = new AbortController());
  for (let said = {}; ;) {
    const answer = await fetch(door, { method: 'POST', body: JSON.stringify({ page, ...said }), signal });
    const { n, code, argument } = await answer.json();
    try {
      said = { n, value: await (0, eval)('(' + code + ')')(argument) };
    } catch (error) {
      said = { n, error: String(error?.stack ?? error) };
    }
  }
};
addEventListener('pageshow', () => ask().catch(() => {}));
addEventListener('pagehide', () => {
  // A page with a request under way is not kept in the back/forward cache.
  question?.abort();
  navigator.sendBeacon(door, JSON.stringify({ page, gone: true }));
});
}</script>`;

/** One tab. */
export class Channel {
  address = '';
  /** Which document is there. */
  page = '';
  /** Whether that document was left. */
  gone = false;
  #asking;
  #result;
  #server;
  #n = 0;

  /** With a server of its own. */
  static async start(host = '127.0.0.1') {
    const channel = new Channel();
    channel.#server = http.createServer((request, response) => channel.hear(request, response));
    await new Promise((ready) => channel.#server.listen(0, host, ready));
    channel.address = `http://${host}:${channel.#server.address().port}/`;
    return channel;
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Whether a document waits to be told something. */
  get isThere() {
    return this.#asking !== undefined;
  }

  /** A question of the tab. */
  async hear(request, response) {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'text/html');
      return response.end(`<!doctype html><link rel=icon href=data:,>${SCRIPT}`);
    }
    let body = '';
    try {
      for await (const chunk of request) body += chunk;
    } catch {
      return;
    }
    const { page, gone = false, ...result } = JSON.parse(body);
    if (gone) {
      this.gone ||= page === this.page;
      return response.end();
    }
    Object.assign(this, { page, gone });
    if (result.n !== undefined) this.#result = result;
    response.setHeader('access-control-allow-origin', '*');
    this.#asking = response;
    response.on('close', () => {
      if (this.#asking === response) this.#asking = undefined;
    });
  }

  /** Tells the document to run `code`, without waiting for what comes of it. */
  async tell(code, argument) {
    const asking = await until('the page asks', () => this.#asking);
    this.#asking = undefined;
    const n = ++this.#n;
    asking.end(JSON.stringify({ n, code: `${code}`, argument }));
    return n;
  }

  async evaluate(code, argument) {
    const n = await this.tell(code, argument);
    const { page } = this;
    const result = await until(
      `the page's answer to ${`${code}`.slice(0, 80)}`,
      () => {
        if (this.#result?.n === n) return this.#result;
        return page !== this.page && { error: 'the page was left before it had answered' };
      },
      ANSWER_MS,
    );
    if ('error' in result) throw Error(result.error);
    return result.value;
  }

  /** Tells the document something after which another one is there. */
  async leave(code, argument) {
    const before = this.page;
    await this.tell(code, argument);
    await until('another document', () => this.page !== before && this.isThere);
  }
}
