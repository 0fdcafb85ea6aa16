/**
 * What the core has written into the journal and removed from it. Notes are the entries that are not events:
 * `<stream>:r<n>` names a loss, `<stream>:s<n>` stamps a session; the value is `done,head` and the core's numbers. An
 * adopter notes under the stream it adopted, with a name nobody else draws: still no key has two writers, and whoever
 * forgets the stream finds all that is said of it.
 */

import type { Page, Stream } from './types';

/** The key whose room the names of lost events may take when storage is full. */
const RESERVE = 'reserve';
/** Its length in characters. A name takes about a hundred, and what is forgotten for it gives room for the next. */
const RESERVE_LENGTH = 1_024;

/** Records are numbered anew in each life of the page, and a note of an earlier life may still be there. */
let token: string;
export const renew = (): void => {
  token = Math.random().toString(36).slice(2);
};
renew();

/** Whether the reserve is used up. */
let used = true;

/** Whether the note is written. In a stream that lives in memory it always is. */
export const note = (page: Page, stream: Stream, name: string, numbers: number[]): boolean => {
  const key = `${stream.id}:${name}.${token}`;
  const value = `${stream.done},${stream.head},${numbers}`;
  stream.notes.set(key, value);
  return !stream.stored || page.write(key, value);
};

/** Notes a loss, in the reserve if there is no other room. */
export const noteLoss = (...what: Parameters<typeof note>): boolean => {
  if (note(...what)) return true;
  what[0].remove(RESERVE);
  used = true;
  return note(...what);
};

/** Lays the reserve out, if it is not there. Nothing is stored of a visitor who has not agreed. */
export const reserve = (page: Page): void => {
  if (used && page.verdict === 'granted') used = !page.write(RESERVE, '-'.repeat(RESERVE_LENGTH));
};

export const forgetNote = (page: Page, stream: Stream, name: string): void => {
  const key = `${stream.id}:${name}.${token}`;
  stream.notes.delete(key);
  page.remove(key);
};

/** Removes settled or named events; a key goes when nothing in it is held any more. */
export const forget = (page: Page, stream: Stream, from: number, to: number): void => {
  for (const seq of stream.bodies.keys()) if (seq >= from && seq < to) stream.bodies.delete(seq);
  stream.keys = stream.keys.filter(([key, first, end]) => {
    for (let seq = first; seq < end; seq++) if (stream.bodies.has(seq)) return true;
    page.remove(key);
    return false;
  });
};

/** The keys of the site in localStorage that begin so. */
export const hotKeys = (page: Page, start: string): string[] =>
  Object.keys(page.area ?? {})
    .filter((key) => key.startsWith(page.prefix + start))
    .map((key) => key.slice(page.prefix.length));

/**
 * Removes what is known of the stream, then its header if that is all there is: where there are no locks, its owner may
 * live and have written more.
 */
export const forgetStream = (page: Page, stream: Stream): void => {
  for (const key of [...stream.notes.keys(), ...stream.keys.map(([key]) => key)]) page.remove(key);
  stream.bodies.clear();
  stream.notes.clear();
  stream.keys = [];
  if (page.current.includes(stream)) page.close();
  if (stream.stored && hotKeys(page, stream.id).length < 2) page.remove(stream.id + ':h');
};
