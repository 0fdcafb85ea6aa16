/** A server's books, and what holds for every request of every scenario. */
import { isDeepStrictEqual } from 'node:util';

import { nameOf } from './pattern.mjs';

export class Books {
  /** Counted events, `stream seq`, by name. */
  counted = new Map();
  /** Named losses, `stream seq`; the first reason told of an event counts. */
  lost = new Map();
  ended = new Set();
  #refused = new Map();
  #rejected = new Set();
  #headers = new Map();
  #events = new Map();

  countedNames() {
    return [...this.counted].filter(([event]) => !this.#rejected.has(event)).map(([, name]) => name);
  }

  /** Counters by verdict. */
  refused() {
    const sums = {};
    for (const [key, total] of this.#refused) {
      const [, verdict] = key.split(' ');
      sums[verdict] = (sums[verdict] ?? 0) + total;
    }
    return sums;
  }

  /** Whether these could be the words of an SDK, whatever the scenario. */
  check({ batches }) {
    if (batches?.length !== 1) throw Error('a request has one batch');
    const [{ stream, at, events, client_id, user_id, context }] = batches;
    if (typeof stream !== 'string' || !Array.isArray(events)) throw Error('a batch has a stream and events');
    if (!(at[0] <= at[1])) throw Error(`at: ${at}`);
    const header = { client_id, user_id, context };
    if (client_id) {
      const known = this.#headers.get(stream) ?? header;
      if (!isDeepStrictEqual(known, header))
        throw Error(`the header of ${stream} was ${JSON.stringify(known)} and is ${JSON.stringify(header)}`);
      this.#headers.set(stream, header);
    } else if (events.length) {
      throw Error(`events of ${stream} without its header`);
    }
    let last = -1;
    for (const event of events) {
      if (!(event.seq > last)) throw Error(`seq ${event.seq} after ${last}`);
      last = event.seq;
      this.#checkEvent(stream, event);
    }
  }

  #checkEvent(stream, { session_id, ...event }) {
    if (!this.#events.has(stream)) this.#events.set(stream, new Map());
    const events = this.#events.get(stream);
    const known = events.get(event.seq);
    if (known && !isDeepStrictEqual(known, event)) {
      throw Error(`event ${event.seq} of ${stream} was ${JSON.stringify(known)} and is ${JSON.stringify(event)}`);
    }
    if (!Number.isInteger(event.ts)) throw Error(`ts of ${JSON.stringify(event)}`);
    for (const [seq, { ts }] of events) {
      if (Math.sign(seq - event.seq) !== Math.sign(ts - event.ts)) {
        throw Error(`ts of event ${event.seq} of ${stream} is not between its neighbours'`);
      }
    }
    events.set(event.seq, event);
  }

  /** The server takes a request, but for the events it rejects. */
  take({ batches: [batch] }, rejected = []) {
    const { stream } = batch;
    for (const event of batch.events) {
      const key = `${stream} ${event.seq}`;
      if (rejected.includes(event.seq)) this.#rejected.add(key);
      this.counted.set(key, nameOf(event));
    }
    for (const [from, to, reason] of batch.lost ?? []) {
      for (let seq = from; seq < to; seq++) {
        const key = `${stream} ${seq}`;
        if (!this.lost.has(key)) this.lost.set(key, reason);
      }
    }
    for (const [verdict, total] of Object.entries(batch.refused ?? {})) {
      const key = `${stream} ${verdict}`;
      this.#refused.set(key, Math.max(total, this.#refused.get(key) ?? 0));
    }
    if (batch.end === true) this.ended.add(stream);
    for (let seq = 0; seq < batch.at[0]; seq++) {
      const key = `${stream} ${seq}`;
      if (!this.counted.has(key) && !this.lost.has(key))
        throw Error(`event ${key} is below done, and nobody carried or named it`);
    }
  }
}
