/**
 * What the two halves of the shell share: the script a page loads, and `core.js`, loaded after its first task.
 * They are bundled apart, so what both need, state and functions, lives in `Page` (made in `page.ts`).
 *
 * A build shortens these names (`tools/names.mjs`), and the next may do so otherwise: no object of these types is stored
 * or sent as it is. What is has its type elsewhere.
 */

import type { Inspection, Props } from './api';
import type { Effect, Exports, Input } from './wasm';

/** One opening of a journal: `seq` counts from 0, under one header. */
export interface Stream {
  /** Its UUID. */
  id: string;
  /** What the core calls it: its place in `Page.streams`. */
  no: number;
  /**
   * `"stream":…,"client_id":…,"user_id":…,"context":{…}`, sent verbatim with every copy. How it begins tells an adopter
   * the lane (`lane.ts`).
   */
  header: string;
  /** Drawn by this page, rather than adopted. */
  own?: boolean;
  /** Whether it lives in localStorage; otherwise it dies with the page and its header says `no_storage`. */
  stored: boolean;
  /** What every journal entry begins with is `done,head` of its moment: all below `done` is settled, or its name is. */
  done: number;
  /** The next free seq. */
  head: number;
  /** Journal entries written, so also the name of the next. */
  writes: number;
  /** Events that are neither settled nor named yet, by seq (ascending if it is its own): JSON without its opening brace. */
  bodies: Map<number, string>;
  /** The journal entries that hold them: key without prefix, first seq, seq after the last. */
  keys: [key: string, from: number, to: number][];
  /** The journal entries that are not events (`notes.ts`), as this page wrote them: key, value. */
  notes: Map<string, string>;
  /** Whether the visitor was reset just before: no session goes on into it. */
  fresh?: boolean;
  /** Whether consent was denied since: it must not be sent. */
  purged?: boolean;
  /** Calls refused while this stream was current or about to be. */
  refused: Counters;
}

/** Refused calls by verdict (`Refusal`). */
export type Counters = Record<number, number>;

/** The revision makes every change visible to the other tabs, even one back to the same user. */
export type Identity = [revision: number, client: string, device: string, user: string | null];

/** The visitor's decision: calls are refused, accepted, or wait in memory. */
export type Verdict = 'denied' | 'granted' | 'unknown';

/** What the core half does for the first. */
export interface Core {
  /** Takes over what dead pages left. */
  adopt(): void;
  /** Another tab, or an earlier page, wrote a key of the core's (`SHARED`). */
  learn(key: string, text: string): void;
  /** Back from the back/forward cache. */
  resumed(): void;
  tell: Tell;
}

/** How a journal entry is held that the cold store has or is given. */
export const enum Kept {
  /** The transaction has not ended. */
  Coming,
  /** In IndexedDB, and maybe in localStorage. */
  Cold,
  /** In IndexedDB only. */
  Only,
}

/** The cold store (`cold.ts`). */
export interface Cold {
  /** Something may have to be put, later. */
  arm(): void;
  /** Puts and removes all that is to be. */
  sync(): void;
  /** What it holds of a stream; without one, something of each. */
  look(id?: string): Promise<[key: string, value: string][]>;
}

/** Who looks on (`debug.ts`): hears all that the core is told, and sees what it says. */
export interface Spy {
  tell: Tell;
  sees(effect: Effect, args: number[], wasm: Exports): void;
  /** Adds what it knows. */
  explain(found: Inspection): void;
}

/** Tells the core something, and does what it says. Never throws. */
export type Tell = (kind: Input, ...args: number[]) => void;

/** The state of the page. */
export interface Page {
  /** The site's public key, as JSON text. */
  site: string;
  appVersion: string | null;
  /** Where requests go. */
  endpoint: string;
  /** localStorage, if there is one and the page wants it. */
  area: Storage | undefined;
  /** What every key of this site and journal version begins with: `hw1:<site>:`. */
  prefix: string;
  /** Who the visitor is, drawn at the first need: until then nothing is stored. */
  identity: Identity | undefined;
  /** The identity as stored; null where storage keeps nothing. */
  idText: string | null;
  verdict: Verdict;
  /** Most calls that wait while consent is unknown; what does not fit is refused. */
  room: number;
  /** What the core last said: every call is refused by this verdict (0: by none) until this Unix ms. */
  refusal: number[];
  /** What `register` adds to events. */
  registered: Props;
  /** The streams this page drew or adopted, by number. */
  streams: Stream[];
  /** By lane: the stream that the next call is appended to, once there is one. */
  current: (Stream | undefined)[];
  /** The counters of the usual lane's current stream, or of its next. */
  refused: Counters;
  /** Whether the next stream is `fresh`. */
  fresh: boolean;
  /** The journal entries that the cold store has or is given, by key. */
  cold: Map<string, Kept>;
  core: Core | undefined;
  /** With `debug`. */
  spy?: Spy;
  /** Where `headwater.wasm` lies, if not beside the script. */
  wasm: string | URL | undefined;
  /** Whether it was left: the core has said its last words. It may return from the back/forward cache. */
  left?: boolean;
  /** `Date.now` as it is when the script runs: pages replace it. */
  now(): number;
  /** Resolves in `pagehide`; every Web Lock of the page is held until then. */
  gone: Promise<void>;

  // What both halves do. Storage never throws: a page may have none (privacy settings, sandboxed frames), or a full one.

  read(key: string): string | null;
  /** Whether the write returned, which is what makes an event accepted. */
  write(key: string, value: string): boolean;
  remove(key: string): void;
  /** A stream of which nothing is known but its name. */
  blank(id: string): Stream;
  /** No more is appended to the current streams; refusals from here on are told with the next one. */
  close(fresh?: boolean): void;
  /** The server wants what is known of the visitor erased: whoever comes now is somebody else. */
  erase(): void;
  /** Tells the core what holds and what happened before it was there. */
  greet(): void;
  /** Another tab, an earlier page or the core wrote a shared key; null is nothing new. */
  heard(key: string, text: string | null): void;
  /** Asks for the stream's Web Lock. It decides who adopts; it makes nothing safe. */
  lock(
    id: string,
    options: LockOptions,
    granted: (lock: Lock | null) => Promise<void> | undefined,
  ): Promise<void>;
  /** What the core hears of an event's text: its length in bytes, and when it was called, as two numbers. */
  sized(body: string): [bytes: number, low: number, high: number];
}
