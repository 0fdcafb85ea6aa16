/**
 * What the two halves of the shell share: the script a page loads, and `core.js`, loaded after its first task.
 * They are bundled apart, so modules keep no state: everything lives in `Page`.
 */

/** One opening of a journal: `seq` counts from 0, under one header. */
export interface Stream {
  /** Its UUID. */
  id: string;
  /** What the core calls it: its place in `Page.streams`. */
  no: number;
  /** `"stream":…,"client_id":…,"user_id":…,"context":{…}`, sent verbatim with every copy. */
  header: string;
  /** Drawn by this page, rather than adopted. */
  own: boolean;
  /** Whether it lives in localStorage; otherwise it dies with the page and its header says `no_storage`. */
  stored: boolean;
  /** The next free seq. */
  head: number;
  /** Journal entries written, so also the name of the next. */
  writes: number;
  /** Events that are neither settled nor named yet, by seq, ascending: JSON text without its opening brace. */
  bodies: Map<number, string>;
  /** The journal entries that hold them: key without prefix, first seq, seq after the last. */
  keys: [key: string, from: number, to: number][];
  /** The journal entries that are not events (`notes.ts`), as this page wrote them: key, value. */
  notes: Map<string, string>;
  /** Whether the visitor was reset just before: no session goes on into it. */
  fresh: boolean;
  /** Whether consent was denied since: it must not be sent. */
  purged: boolean;
  /** Calls refused while this stream was current or about to be, by verdict. */
  refused: Record<string, number>;
}

/** The revision makes every change visible to the other tabs, even one back to the same user. */
export type Identity = [revision: number, client: string, device: string, user: string | null];

/** The visitor's decision: calls are refused, accepted, or wait in memory. */
export type Verdict = 'denied' | 'granted' | 'unknown';

/** What the core half wants to hear of. */
export interface Core {
  /** The event `seq` of this stream is accepted. */
  appended(stream: Stream, seq: number): void;
  consent(granted: boolean): void;
  /** All events of the stream below it are settled by an acknowledgement. */
  done(stream: Stream): number;
  flush(): void;
  opened(stream: Stream): void;
  /** Back from the back/forward cache. */
  resumed(): void;
  /** `pagehide`: last words. */
  terminating(): void;
}

/** The state of the page, made by `init`. */
export interface Page {
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
  identityText: string | null;
  verdict: Verdict;
  /** The site answered 410: every call is refused for the rest of the page's life. */
  stopped: boolean;
  /** The streams this page drew or adopted, by number. */
  streams: Stream[];
  /** The stream that the next call is appended to, once there is one. */
  current: Stream | undefined;
  /** The counters of the current stream, or of the next. */
  refused: Record<string, number>;
  /** Whether the next stream is `fresh`. */
  fresh: boolean;
  core: Core | undefined;
  /** Resolves in `pagehide`; every Web Lock of the page is held until then. */
  gone: Promise<void>;
}
