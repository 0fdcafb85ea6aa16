/** What a page says, as types. They are published, so they need nothing else. */

/** Anything that `JSON.stringify` makes an object of. */
export type Props = Record<string, unknown>;

/** What was paid: `track(name, props, { revenue: 1299, currency: 'EUR' })` is 12.99 euros. */
export interface Money {
  /** In minor units of the currency, an integer; less than 0 for a refund. */
  revenue: number;
  /** ISO 4217, three capitals. */
  currency: string;
}

export interface Options {
  /** The site's public key. */
  site: string;
  /** Where events are sent. Default: `/collect` of the page's own origin. */
  endpoint?: string;
  /**
   * What holds until the visitor has decided (the decision is remembered). `granted`, the default, counts at
   * once; `unknown` stores nothing.
   */
  consent?: 'granted' | 'unknown';
  /** Until the visitor has decided: `hold`, the default, keeps up to 1,000 calls in memory; `drop` refuses them. */
  whileUnknown?: 'hold' | 'drop';
  /** `none` stores nothing on the device: every page is a visitor of its own, and what it cannot send is lost. */
  storage?: 'local' | 'none';
  /** The version of your site, sent with every event. */
  appVersion?: string;
  /** Shows in the console what becomes of every event, and why it waits. For developers; loads `debug.js`. */
  debug?: boolean;
  /** Where `headwater.wasm` lies, if not beside the script. */
  wasm?: string | URL;
}

/** What is known of the visitor from here on. */
export interface Changes {
  /** Replaces what was known. */
  set?: Props;
  /** Holds unless something was known. */
  setOnce?: Props;
  /** Is added to the number that was known, or to 0. */
  increment?: Record<string, number>;
}

/** What `inspect` shows. */
export interface Inspection {
  /** What the visitor decided, or `unknown`. */
  consent: string;
  /** Whether the core is there. Until it is, nothing is sent but what leaves with the page. */
  core: boolean;
  /** As it is stored. */
  session: string | null;
  /** Calls that wait in memory: for consent, for `init`, for the end of this task. */
  waiting: number;
  /** What is held: of each stream its header and events, as they would be sent. */
  streams: {
    stream: string;
    client_id: string;
    user_id: string | null;
    /** The first seq that may not be settled, which only `debug` knows, and the next free one. */
    at: [number, number];
    refused?: Record<string, number>;
    events: { seq: number; type: string; name?: string; [more: string]: unknown }[];
  }[];
  /** With `debug`: what was seen last, oldest first. */
  log?: string[];
}
