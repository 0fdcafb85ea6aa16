/** What the core is told of the first half's doings. Until it is there it misses nothing: `replay`. */

import { laneOf } from './lane';
import type { Page, Stream } from './types';
import { Input } from './wasm';

export const appended = ({ core, sized }: Page, { no, bodies }: Stream, seq: number): void =>
  core?.tell(Input.Appended, no, seq, ...sized(bodies.get(seq)!));

export const consented = (page: Page, granted: boolean): void => page.core?.tell(Input.Consent, 0, +granted);

export const opened = ({ core, identity }: Page, { fresh, header, no }: Stream): void => {
  if (fresh) core?.tell(Input.Reset);
  core?.tell(Input.Visitor, parseInt(identity?.[1]!, 16));
  core?.tell(Input.Opened, no, 0, laneOf(header));
};

export const refused = ({ core }: Page, { no, refused }: Stream): void => {
  for (const verdict in refused) core?.tell(Input.Refused, no, +verdict, refused[verdict]!);
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
    if (!page.current.includes(stream)) page.core?.tell(Input.Closed, stream.no);
  }
  decide(page.verdict !== 'denied');
};
