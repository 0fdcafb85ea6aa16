/** Leaving before the wasm is ready: the shell sends the log itself, without sessions. Copies of it are harmless. */

import { bytes } from './event';
import { laneOf } from './lane';
import type { Counters, Page, Stream } from './types';

/** What browsers let leave with a page is 64 KB, in UTF-8. */
export const BEACON_BYTES = 60_000;

/** The requests for everything held, each at most 60 KB unless a single event is longer. */
export const rawRequests = ({ site }: Page, streams: Stream[], now: number): string[] => {
  const requests: string[] = [];
  // The precious first: the browser may not take all.
  const said = streams.filter(({ purged }) => !purged).sort((a, b) => laneOf(b.header) - laneOf(a.header));
  for (const { head, header, bodies, refused } of said) {
    const told = Object.keys(refused).length ? `,"refused":${refusedText(refused)}` : '';
    const start = `{"v":1,"site_id":${site},"sent_at":${now},"batches":[{${header},"at":[0,${head}]${told},"events":[`;
    let events: string[] = [];
    let room = 0;
    const flush = () => {
      if (events.length || (told && !bodies.size)) requests.push(`${start}${events}]}]}`);
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

/** The words of the verdicts on the wire, in the order of `Refusal`. */
const WORDS = ' consent invalid plugin rate_cap sampled stopped waiting'.split(' ');

const refusedText = (refused: Counters): string =>
  `{${Object.entries(refused).map(([verdict, calls]) => `"${WORDS[+verdict]}":${calls}`)}}`;

/** Hands them to the browser until it takes no more; a later page adopts the rest. */
export const rawSend = (page: Page, streams: Stream[]): void => {
  rawRequests(page, streams, page.now()).every((request) => navigator.sendBeacon(page.endpoint, request));
};
