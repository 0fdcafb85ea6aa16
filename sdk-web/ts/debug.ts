/**
 * Shows in the console what becomes of every event, and why it waits; `inspect` tells the latest of it. Loaded for
 * developers only (`init({ debug: true })`), so here clarity counts and bytes do not.
 */

import type { Inspection } from './api';
import type { Page, Stream } from './types';
import { Effect, type Exports, Input, NONE, Refusal, Transport, whole } from './wasm';

/** Lines that `inspect` shows. */
const LINES = 200;

/** The numbers of `sdk-web/src/abi.rs`. */
const LOST = ' consent dead_letter filtered queue_full rejected stopped storage too_many_gaps too_old vanished'.split(' ');
const REFUSED: Record<number, string> = {
  [Refusal.Consent]: 'consent',
  [Refusal.Invalid]: 'invalid',
  [Refusal.Plugin]: 'plugin',
  [Refusal.RateCap]: 'rate_cap',
  [Refusal.Sampled]: 'sampled',
  [Refusal.Stopped]: 'stopped',
  [Refusal.Waiting]: 'waiting',
};
const BY: Record<number, string> = {
  [Transport.Beacon]: 'a beacon, which nobody answers',
  [Transport.Fetch]: 'fetch',
  [Transport.Keepalive]: 'fetch with keepalive',
};

type Waiting = { push(...items: unknown[]): number };

/** Begins to look on. */
export const watch = (page: Page, waiting: Waiting & unknown[]): void => {
  const lines: string[] = [];
  const say = (text: string): void => {
    lines.push(`${new Date().toISOString()} ${text}`);
    if (lines.length > LINES) lines.shift();
    console.info(`headwater: ${text}`);
  };
  /** By stream what happened last to each of its events. */
  const fates = new WeakMap<Stream, Map<number, string>>();
  const fate = (stream: Stream): Map<number, string> => {
    if (!fates.has(stream)) fates.set(stream, new Map());
    return fates.get(stream)!;
  };
  /** Requests under way: what they carry. */
  const requests = new Map<number, [stream: Stream, seqs: number[]]>();
  let online = navigator.onLine;
  /** No request before it, Unix ms. */
  let gate = 0;
  /** When the core wakes by itself, by `performance.now()`. */
  let due = Infinity;
  let coreWasThere = false;
  /** Events that the core was told of, and of which it has not yet said when they go. */
  const news: [stream: Stream | undefined, seq: number, found: boolean][] = [];

  /** Why an event that no request carries waits. */
  const why = (): string => {
    if (page.verdict === 'unknown') return 'consent is unknown';
    if (!page.core) return 'the core is not there yet';
    if (!online) return 'offline';
    if (gate > Date.now()) return `Retry-After until ${iso(gate)}`;
    return due < Infinity ? `a request is due in ${Math.max(0, Math.round(due - performance.now()))} ms` : 'other requests';
  };

  const appended = (stream: Stream | undefined, seq: number, found = false, reason = why()): void => {
    if (!stream || fate(stream).has(seq)) return;
    fate(stream).set(seq, '');
    say(`${label(stream.bodies.get(seq))} is event ${place(stream, seq)}${found ? ', left by another page' : ''}; ${reason}`);
  };

  const showNews = (reason?: string): void => {
    for (const event of news.splice(0)) appended(...event, reason);
  };

  const sent = (request: number, stream: Stream, transport: number, wasm: Exports): void => {
    const [, , seqs, count] = new Uint32Array(wasm.memory.buffer, wasm.request(request), 4);
    const carried = [...new Uint32Array(wasm.memory.buffer, seqs, count)];
    requests.set(request, [stream, carried]);
    for (const seq of carried) fate(stream).set(seq, `in flight as request ${request}`);
    say(`request ${request} by ${BY[transport]}: events ${carried.join(', ') || '(none)'} of ${short(stream)}`);
  };

  const answered = ([request, status, ack, retryAfter]: number[]): void => {
    const [stream, seqs] = requests.get(request!) ?? [];
    requests.delete(request!);
    const settled = ack === seqs?.length && status! < 300;
    const text =
      `request ${request}: ` +
      (status ? `${status}, ${ack === NONE ? 'not by a collector (no hw-ack)' : `acknowledges ${ack}`}` : 'no answer') +
      (retryAfter !== NONE && retryAfter! > 0 ? `, Retry-After ${retryAfter} ms` : '');
    if (stream && !settled) for (const seq of seqs!) fate(stream).set(seq, `to be tried again after ${text}`);
    say(text);
  };

  const hear = (kind: Input, args: number[]): void => {
    const [a, b, c, d] = args as [number, number, number, number];
    if (page.core && !coreWasThere) say('the core is there');
    coreWasThere ||= !!page.core;
    const stream = page.streams[a];
    if (kind === Input.Appended || kind === Input.Found) {
      news.push([stream, b, kind === Input.Found]);
      // What waited for the core is told as that.
      if (!page.core) showNews();
    } else if (kind === Input.Answered) answered(args);
    else if (kind === Input.Consent) say(`consent is ${b ? 'granted' : 'denied'}`);
    else if (kind === Input.Refused && stream) say(`${c} calls refused so far: ${REFUSED[b]} (${short(stream)})`);
    else if (kind === Input.Online) say((online = !!a) ? 'online' : 'offline');
    else if (kind === Input.Gate) gated(whole(a >>> 0, b >>> 0));
    else if (kind === Input.FoundLoss && stream) say(`another page named lost: ${range(b, c)} of ${short(stream)}, ${LOST[d]}`);
    else if (kind === Input.Settings) say(`the site sets ${args}`);
    else if (kind === Input.Erase) say('the server wants the visitor erased');
    else if (kind === Input.Hidden || kind === Input.Visible) say(kind === Input.Hidden ? 'hidden' : 'visible');
    else if (kind === Input.Terminating) say('the page is left');
  };

  const gated = (until: number): void => {
    if (until === gate || !(until > Date.now())) return;
    gate = until;
    say(`no request before ${iso(until)} (Retry-After)`);
  };

  const see = (effect: Effect, args: number[], wasm: Exports): void => {
    const [a, b, c, d, e] = args as [number, number, number, number, number];
    const stream = (no: number) => page.streams[no]!;
    if (effect === Effect.Send) showNews('it goes at once');
    if (effect === Effect.None) {
      due = c === NONE ? Infinity : whole(b, c);
      showNews();
    } else if (effect === Effect.Send) sent(a, stream(b), c, wasm);
    else if (effect === Effect.Forget) {
      const lost = [...fate(stream(a))].some(([seq, text]) => seq >= b && seq < c && text.startsWith('lost'));
      say(`${lost ? 'removed' : 'settled'}: ${range(b, c)} of ${short(stream(a))}`);
    } else if (effect === Effect.Record) {
      for (let seq = c; seq < d; seq++) fate(stream(b)).set(seq, `lost: ${LOST[e]}`);
      say(`lost: ${range(c, d)} of ${short(stream(b))}, ${LOST[e]}; the server will be told`);
    } else if (effect === Effect.ForgetRecord) say(`the server knows a loss of ${short(stream(b))}`);
    else if (effect === Effect.SaveGate) gated(whole(b, c));
    else if (effect === Effect.Refuse) say(`calls are refused until ${iso(whole(b, c))}: ${REFUSED[a]}`);
    else if (effect === Effect.Accept) say('calls are taken');
  };

  /** Whatever goes wrong here is nobody's trouble. */
  const safely =
    <A extends unknown[]>(look: (...args: A) => void) =>
    (...args: A): void => {
      try {
        look(...args);
      } catch (error) {
        console.warn('headwater: debug', error);
      }
    };

  page.spy = {
    tell: safely((kind, ...args) => hear(kind, args)),
    sees: safely(see),
    explain: safely((found: Inspection) => {
      found.log = [...lines];
      for (const { stream: id, at, events } of found.streams) {
        const stream = page.streams.find((stream) => stream.id === id)!;
        at[0] = stream.done;
        for (const event of events) event['why'] = fate(stream).get(event.seq) || why();
      }
    }),
  };

  const push = waiting.push.bind(waiting);
  const held = safely((items: unknown[]) => {
    if (page.verdict === 'granted') return;
    for (const item of items) if (Array.isArray(item)) say(`${label(item[0])} waits: ${why()}`);
  });
  waiting.push = (...items) => {
    const length = push(...items);
    held(items);
    return length;
  };

  say(`watches ${page.site}, which sends to ${page.endpoint}; consent is ${page.verdict}`);
  held([...waiting]);
  for (const stream of page.streams) for (const seq of stream.bodies.keys()) safely(appended)(stream, seq);
};

const iso = (ms: number): string => (ms < 8.64e15 ? new Date(ms).toISOString() : 'the end of time');

const short = ({ id }: Stream): string => `stream ${id.slice(0, 8)}`;

const place = (stream: Stream, seq: number): string => `${seq} of ${short(stream)}`;

const range = (from: number, to: number): string => (to - from === 1 ? `event ${from}` : `events ${from} to ${to - 1}`);

/** What an event is called. */
const label = (body: unknown): string => {
  const { type, name, url } = JSON.parse(`{${body ?? '"type":"?"}'}`) as Record<string, string>;
  return [type, name ?? url].filter(Boolean).join(' ');
};
