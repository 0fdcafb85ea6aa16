/** Requests as browsers send them, and answers as numbers. Never a header that would need a preflight. */

import type { Page, Stream } from './types';
import { NONE, halves } from './wasm';

/** status (0: no answer), hw-ack, Retry-After in ms (or `NONE`), hw-time in two halves. */
export type Answer = [status: number, ack: number, retryAfter: number, low: number, high: number];

/** What the body of an answer may say beside the numbers. */
export interface Said {
  settings?: Record<string, unknown>;
  erase?: unknown;
}

/** Longest wait for an answer. The collector answers within seconds; a lost connection may never end. */
const TIMEOUT_MS = 30_000;

/**
 * Shortest body that is packed, in characters. One page view makes 600, of which packing saves 190 bytes and costs a
 * millisecond; two make 810, of which it saves half; ten make 2,500, of which it leaves 540.
 */
const PACK_FROM = 700;

/** Puts in what the core never sees. No mark can occur in JSON text. */
export const splice = (template: string, page: Page, stream: Stream, bodies: string[], now: number): string => {
  let next = 0;
  const parts = [, stream.header, , page.site, now, `"${stream.id}"`];
  return template.replace(/[\x01-\x05]/g, (mark) => `${parts[mark.charCodeAt(0)] ?? bodies[next++]}`);
};

/** Seconds or a date, as ms from `now`; `NONE` if it is neither. */
export const retryAfter = (text: string | null, now: number): number => {
  const ms = /^\d+$/.test(text ?? '') ? +text! * 1000 : Date.parse(text ?? '') - now;
  return ms >= 0 ? Math.min(ms, NONE - 1) : NONE;
};

/** Only `hw-ack` speaks for Headwater: an ad blocker's empty 200 has none. */
export const readAnswer = ({ status, headers }: Response, now: number): Answer => {
  const ack = headers.get('hw-ack') ?? '';
  return [
    status,
    /^\d+$/.test(ack) ? +ack : NONE,
    retryAfter(headers.get('retry-after'), now),
    ...halves(Number(headers.get('hw-time'))),
  ];
};

/** What a 200 of ours says in its body; an answer that breaks off is none. */
const readBody = async (answer: Response): Promise<Said> => {
  const text = await answer.text();
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
};

/** Packs in the page's own memory: a `Blob` lies in another process, and the way there and back costs as much as a request. */
const packed = (text: string): Promise<ArrayBuffer> =>
  new Response(new Response(text).body!.pipeThrough(new CompressionStream('gzip'))).arrayBuffer();

/** `events`: how many it carries. `keepalive`: it outlives the page, so it must leave at once. */
export const send = async (
  page: Page,
  stream: Stream,
  text: string,
  events: number,
  keepalive: boolean,
): Promise<[Answer, Said]> => {
  try {
    let body: string | ArrayBuffer = text;
    if (!keepalive && text.length > PACK_FROM) {
      try {
        body = await packed(text);
      } catch {
        // Then it goes as it is.
      }
    }
    // Meanwhile consent was denied, or the page was left and has returned.
    if (events && (stream.purged || !page.streams.includes(stream))) throw 0;
    const signal = AbortSignal.timeout?.(TIMEOUT_MS) ?? null;
    // What a text is sent as, so there is no preflight; the collector knows gzip by its first bytes.
    const headers = { 'content-type': 'text/plain' };
    const answer = await fetch(page.endpoint, { method: 'POST', body, keepalive, headers, credentials: 'omit', signal });
    const numbers = readAnswer(answer, page.now());
    return [numbers, answer.status === 200 && numbers[1] !== NONE ? await readBody(answer) : {}];
  } catch {
    return [[0, NONE, NONE, 0, 0], {}];
  }
};

/** The site's remote settings, with the core's defaults for what is missing, and nothing but numbers. */
export const settingsOf = (said: Record<string, unknown>): number[] =>
  ['sample', 'calls_per_minute', 'flush_ms', 'queue_bytes', 'stop_ms'].map((name, at) => {
    const value = said[name];
    return typeof value === 'number' && value >= 0 ? Math.min(value, NONE) : at ? 0 : 10_000;
  });
