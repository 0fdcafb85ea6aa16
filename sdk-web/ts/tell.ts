/** What the core is told of the first half's doings. Until it is there it misses nothing: `replay`. */

import { laneOf } from './lane';
import type { Page, Stream, Tell } from './types';
import { Input } from './wasm';

/** Until the core is there only a developer may listen. */
const say = ({ core, spy }: Page, ...what: Parameters<Tell>): void => (core ?? spy)?.tell(...what);

export const appended = (page: Page, { no, bodies }: Stream, seq: number): void =>
  say(page, Input.Appended, no, seq, ...page.sized(bodies.get(seq)!));

export const consented = (page: Page, granted: boolean): void => say(page, Input.Consent, 0, +granted);

export const opened = (page: Page, { fresh, header, no }: Stream): void => {
  if (fresh) say(page, Input.Reset);
  say(page, Input.Visitor, parseInt(page.identity?.[1]!, 16));
  say(page, Input.Opened, no, 0, laneOf(header));
};

export const refused = (page: Page, { no, refused }: Stream): void => {
  for (const [verdict, calls] of Object.entries(refused)) say(page, Input.Refused, no, +verdict, calls);
};

/** Tells all that happened before the core was there. What was denied is told as such, and never sent. */
export const replay = (page: Page): void => {
  let granted = true;
  const decide = (now: boolean) => {
    if (now !== granted) consented(page, (granted = now));
  };
  for (const stream of page.streams) {
    decide(!stream.purged);
    opened(page, stream);
    for (const seq of stream.bodies.keys()) appended(page, stream, seq);
    refused(page, stream);
    if (!page.current.includes(stream)) say(page, Input.Closed, stream.no);
  }
  decide(page.verdict !== 'denied');
};
