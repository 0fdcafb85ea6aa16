/**
 * Makes the state of a page, and the functions that both halves of the shell use on it. The rest of `Page` comes from
 * `init` and `intake.ts`.
 */

import { bytes, tsOf } from './event';
import type { Page } from './types';
import { Input, halves } from './wasm';

/** Calls that wait in memory while consent is unknown: a visitor who never decides must not fill it. */
const WAITING_MAX = 1_000;

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
    cold: new Map(),
    gone: Promise.resolve(),

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
      bodies: new Map(),
      keys: [],
      notes: new Map(),
      refused: {},
    }),
    close: (fresh = false) => {
      const closed = page.current;
      page.current = [];
      if (closed[0]) page.refused = {};
      page.fresh ||= fresh;
      closed.forEach((stream) => page.core?.tell(Input.Closed, stream!.no));
    },
    lock: (id, options, granted) =>
      // Refused where the document is no longer active: then there is nothing to protect.
      navigator.locks?.request(page.prefix + id, options, granted).catch(() => {}),
    sized: (body) => [bytes(body), ...halves(tsOf(body) || 0)],
  } satisfies Partial<Page> as Partial<Page> as Page;
  return page;
};
