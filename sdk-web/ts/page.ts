/**
 * Makes the state of a page, and the functions that both halves of the shell use on it. The rest of `Page` comes from
 * `init` and `intake.ts`.
 */

import { bytes, now, tsOf } from './event';
import { refused } from './tell';
import type { Page } from './types';
import { Input, halves } from './wasm';

/** Calls that wait in memory while consent is unknown: a visitor who never decides must not fill it. */
const WAITING_MAX = 1_000;

/** As it is when this script runs: pages call things of their own so. */
const Held = Map;

export const newPage = (): Page => {
  const page: Page = {
    site: '',
    prefix: '',
    idText: null,
    verdict: 'unknown',
    room: WAITING_MAX,
    refusal: [],
    registered: {},
    streams: [],
    current: [],
    refused: {},
    fresh: false,
    cold: new Held(),
    gone: Promise.resolve(),
    now,

    read: (key) => {
      try {
        return page.area!.getItem(page.prefix + key);
      } catch {
        return null;
      }
    },
    write: (key, value) => {
      try {
        page.area!.setItem(page.prefix + key, value);
        return true;
      } catch {
        return false;
      }
    },
    remove: (key) => {
      try {
        page.area!.removeItem(page.prefix + key);
      } catch {
        // Then there is nothing to remove.
      }
    },
    blank: (id) => ({
      id,
      no: page.streams.length,
      header: '',
      stored: true,
      done: 0,
      head: 0,
      writes: 0,
      bodies: new Held(),
      keys: [],
      notes: new Held(),
      refused: {},
    }),
    close: (fresh = false) => {
      const closed = page.current;
      // What was refused in this task is not told yet.
      if (closed[0]) refused(page, closed[0]);
      page.current = [];
      if (closed[0]) page.refused = {};
      page.fresh ||= fresh;
      closed.forEach((stream) => page.core?.tell(Input.Closed, stream!.no));
    },
    lock: async (id, options, granted) => {
      try {
        await navigator.locks.request(page.prefix + id, options, granted);
      } catch {
        // There are none; or the document is no longer active, and there is nothing to protect.
      }
    },
    sized: (body) => [bytes(body), ...halves(tsOf(body) || 0)],
  } satisfies Partial<Page> as Partial<Page> as Page;
  return page;
};
