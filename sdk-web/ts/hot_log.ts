/**
 * The hot log: localStorage keys `hw1:<site>:<stream>:<i>`, each written once and never changed. The first line
 * of a value is `done,head,from`; the lines after it are the bodies of the events from `from` on (single-line
 * JSON without its opening brace), an empty line where an event is settled or named.
 */

import type { Lane } from './lane';
import { open } from './stream';
import { appended } from './tell';
import type { Page, Stream } from './types';

const put = (page: Page, stream: Stream, from: number, lines: string[]): boolean => {
  if (!stream.stored) return true;
  // Without locks another page may have taken this stream for a dead one's, and its header with it.
  const header = stream.id + ':h';
  if (!navigator.locks && page.read(header) === null && !page.write(header, stream.header)) return false;
  const to = from + lines.length;
  const key = `${stream.id}:${stream.writes}`;
  if (!page.write(key, [`${stream.done},${to},${from}`, ...lines].join('\n'))) return false;
  stream.writes++;
  stream.keys.push([key, from, to]);
  return true;
};

/** Appends `bodies` to the lane's current stream. When this returns they are accepted. */
export const append = (page: Page, bodies: string[], lane: Lane): void => {
  if (!bodies.length) return;
  let stream = page.current[lane] ?? open(page, true, lane);
  if (!put(page, stream, stream.head, bodies)) {
    // Begins a new stream, in memory: an event that is not kept must not share a name with one that may be.
    page.close();
    stream = open(page, false, lane);
  }
  let seq = stream.head;
  for (const body of bodies) stream.bodies.set(stream.head++, body);
  for (; seq < stream.head; seq++) appended(page, stream, seq);
};

/** The page emptied localStorage: writes again what it alone held, under new keys. */
export const restore = (page: Page): void => {
  for (const stream of page.streams) {
    const { id, own, stored, head, bodies, notes } = stream;
    if (!own || !stored || !(page.current.includes(stream) || bodies.size || notes.size)) continue;
    if (!page.write(id + ':h', stream.header)) {
      // Nobody could send what is written without it: later calls are another stream's.
      page.close();
      continue;
    }
    // The later ones, nearly always.
    const lost = stream.keys.findIndex(([key]) => !page.cold.has(key));
    const [[, from] = [0, head]] = stream.keys.splice(lost >>> 0);
    put(
      page,
      stream,
      from,
      Array.from({ length: head - from }, (_, at) => bodies.get(from + at) ?? ''),
    );
    notes.forEach((value, key) => page.write(key, value));
  }
};
