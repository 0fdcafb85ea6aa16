/** Leaving before the wasm is ready: the shell sends the log itself, without sessions. Copies of it are harmless. */

import { bytes, json } from './event';
import { batchStart } from './stream';
import type { Page } from './types';

/** What browsers let leave with a page is 64 KB, in UTF-8. */
export const BEACON_BYTES = 60_000;

/** The requests for everything held, each at most 60 KB unless a single event is longer. */
export const rawRequests = (page: Page, now: number): string[] => {
  const requests: string[] = [];
  for (const stream of page.streams) {
    const { head, bodies, purged } = stream;
    if (purged) continue;
    const start = `{"v":1,"site_id":${json(page.site)},"sent_at":${now},"batches":[{${batchStart(stream)},"at":[0,${head}],"events":[`;
    let events: string[] = [];
    let room = 0;
    const flush = () => {
      if (events.length) requests.push(`${start}${events}]}]}`);
      events = [];
      room = BEACON_BYTES - bytes(start) - 4;
    };
    for (const [seq, body] of bodies) {
      const event = `{"seq":${seq},"session_id":null,${body}`;
      const size = bytes(event) + 1;
      if (size > room) flush();
      room -= size;
      events.push(event);
    }
    flush();
  }
  return requests;
};

/** Hands them to the browser until it takes no more; a later page adopts the rest. */
export const rawSend = (page: Page): void => {
  rawRequests(page, Date.now()).every((request) => navigator.sendBeacon(page.endpoint, request));
};
