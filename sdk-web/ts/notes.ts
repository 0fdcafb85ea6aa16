/**
 * Notes: journal entries that are not events. `<stream>:r<n>` names a loss, `<stream>:s<n>` stamps a session; the
 * value is `done,head` and the core's numbers. An adopter notes under the stream it adopted, with a name nobody
 * else draws: still no key has two writers, and whoever forgets the stream finds all that is said of it.
 */

import { read, remove, write } from './storage';
import { close, moment } from './stream';
import type { Page, Stream } from './types';

const TOKEN = Math.random().toString(36).slice(2);

/** Should storage refuse, the page still knows; should it die too, an adopter finds the hole and names it. */
export const note = (page: Page, stream: Stream, name: string, numbers: number[]): void => {
  const key = `${stream.id}:${name}.${TOKEN}`;
  const value = [moment(page, stream, stream.head), ...numbers].join();
  stream.notes.set(key, value);
  if (stream.stored) write(page, key, value);
};

export const forgetNote = (page: Page, stream: Stream, name: string): void => {
  const key = `${stream.id}:${name}.${TOKEN}`;
  stream.notes.delete(key);
  remove(page, key);
};

/** Everything stored of a stream, by name. */
export const entries = (page: Page, id: string): [name: string, value: string][] => {
  const prefix = `${page.prefix}${id}:`;
  return Object.keys(page.area ?? {})
    .filter((key) => key.startsWith(prefix))
    .map((key) => [key.slice(prefix.length), read(page, key.slice(page.prefix.length)) ?? '']);
};

/**
 * Removes what is known of the stream, then its header if that is all there is: where there are no locks, its owner may
 * live and have written more.
 */
export const forgetStream = (page: Page, stream: Stream): void => {
  for (const key of [...stream.notes.keys(), ...stream.keys.map(([key]) => key)]) remove(page, key);
  stream.bodies.clear();
  stream.notes.clear();
  stream.keys = [];
  if (stream === page.current) close(page);
  if (stream.stored && entries(page, stream.id).length < 2) remove(page, stream.id + ':h');
};
