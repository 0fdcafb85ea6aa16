/** Requests as browsers send them, and answers as numbers. Never a header of our own, so never a preflight. */

import { json } from './event';
import { batchStart } from './stream';
import type { Page, Stream } from './types';
import { NONE } from './wasm';

/** status (0: no answer), hw-ack, Retry-After in ms (or `NONE`). */
export type Answer = [status: number, ack: number, retryAfter: number];

/** Longest wait for an answer. The collector answers within seconds; a lost connection may never end. */
const TIMEOUT_MS = 30_000;

/** Puts in what the core never sees. No mark can occur in JSON text. */
export const splice = (template: string, page: Page, stream: Stream, bodies: string[], now: number): string => {
  let next = 0;
  return template.replace(/[\x01-\x05]/g, (mark) =>
    mark === '\x01'
      ? batchStart(stream)
      : mark === '\x02'
        ? bodies[next++]!
        : mark === '\x03'
          ? json(page.site)
          : mark === '\x04'
            ? `${now}`
            : `"${stream.id}"`,
  );
};

/** Seconds or a date, as ms from `now`; `NONE` if it is neither. */
export const retryAfter = (text: string | null, now: number): number => {
  const ms = /^\d+$/.test(text ?? '') ? +text! * 1000 : Date.parse(text ?? '') - now;
  return ms >= 0 ? Math.min(ms, NONE - 1) : NONE;
};

/** Only `hw-ack` speaks for Headwater: an ad blocker's empty 200 has none. */
export const readAnswer = ({ status, headers }: Response, now: number): Answer => {
  const ack = headers.get('hw-ack');
  return [status, ack && /^\d+$/.test(ack) ? +ack : NONE, retryAfter(headers.get('retry-after'), now)];
};

export const send = async (page: Page, body: string, keepalive: boolean): Promise<Answer> => {
  try {
    const signal = AbortSignal.timeout?.(TIMEOUT_MS) ?? null;
    const answer = await fetch(page.endpoint, { method: 'POST', body, keepalive, credentials: 'omit', signal });
    return readAnswer(answer, Date.now());
  } catch {
    return [0, NONE, NONE];
  }
};
