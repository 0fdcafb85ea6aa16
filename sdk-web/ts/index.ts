/** `@headwater/web`: what a page calls. Nothing here throws, waits for the network, or needs the wasm. */

import { eventText } from './event';
import { append, restore } from './hot_log';
import { rawSend } from './raw_send';
import { CONSENT, compare, decision, forgetIdentity, resetIdentity, setUser } from './shared';
import { read, write } from './storage';
import { close } from './stream';
import type { Page, Verdict } from './types';

/** Built as a classic script that sets `window.headwater`, rather than as an ES module. */
declare const IIFE: boolean;

/** Anything that `JSON.stringify` makes an object of. */
export type Props = Record<string, unknown>;

export interface Options {
  /** The site's public key. */
  site: string;
  /** Where events are sent. Default: `/collect` of the page's own origin. */
  endpoint?: string;
  /**
   * What holds until the visitor has decided (the decision is remembered). `granted`, the default, counts at
   * once; `unknown` keeps up to 1,000 calls in memory and stores nothing.
   */
  consent?: 'granted' | 'unknown';
  /** `none` stores nothing on the device: every page is a visitor of its own, and what it cannot send is lost. */
  storage?: 'local' | 'none';
  /** The version of your site, sent with every event. */
  appVersion?: string;
  /** Where `headwater.wasm` lies, if not beside the script. */
  wasm?: string | URL;
}

/** Calls that wait in memory while consent is unknown: a visitor who never decides must not fill it. */
const WAITING_MAX = 1000;

const shell: Page = {
  site: '',
  appVersion: null,
  endpoint: '/collect',
  area: undefined,
  prefix: '',
  identity: undefined,
  identityText: null,
  verdict: 'unknown',
  stopped: false,
  streams: [],
  current: undefined,
  refused: {},
  fresh: false,
  core: undefined,
  gone: Promise.resolve(),
};
/** Calls of this task, or since consent is awaited: event texts, and what happens between two of them. */
let waiting: (string | (() => void))[] = [];
/** What the visitor decided before `init`. */
let decided: Verdict | undefined;
let wasm: string | URL | undefined;
let leave: () => void;
let loading = false;
let warned = false;
const script = IIFE ? (document.currentScript as HTMLScriptElement | null)?.src || location.href : '';

/** A page never fails because of us: the first error is shown, all are kept from it. */
const guard =
  <A extends unknown[]>(call: (...args: A) => void) =>
  (...args: A): void => {
    try {
      // Rendered on a server there is no visitor to count.
      if (typeof document !== 'undefined') call(...args);
    } catch (error) {
      if (!warned) console.warn('headwater:', error);
      warned = true;
    }
  };

const refuse = (verdict: string): void => {
  shell.refused[verdict] = (shell.refused[verdict] || 0) + 1;
};

const record = (type: string, name: unknown, props: unknown, before?: () => void): void => {
  let text;
  try {
    text = eventText(type, name, props);
  } catch (error) {
    refuse('invalid');
    throw error;
  }
  if (shell.stopped) return refuse('stopped');
  if (shell.verdict === 'denied') return refuse('consent');
  if (shell.verdict === 'unknown' && waiting.length >= WAITING_MAX) return refuse('waiting');
  if (shell.verdict === 'granted' && !waiting.length) queueMicrotask(guard(drain));
  if (before) waiting.push(before);
  waiting.push(text);
};

/** Writes what was called, one journal entry per stream. */
const drain = (): void => {
  // Another tab's decision may be older than its storage event.
  decide(decision(read(shell, CONSENT)) ?? shell.verdict);
  if (shell.verdict !== 'granted' || !waiting.length) return;
  const before = shell.identity?.[1];
  const state = compare(shell);
  if (state === 'changed') close(shell, before !== shell.identity?.[1]);
  if (state === 'cleared') restore(shell);
  let texts: string[] = [];
  for (const item of waiting.splice(0)) {
    if (typeof item === 'string') {
      texts.push(item);
    } else {
      append(shell, texts);
      texts = [];
      item();
    }
  }
  append(shell, texts);
};

const decide = (verdict: Verdict): void => {
  if (shell.verdict === verdict) return;
  shell.verdict = verdict;
  const granted = verdict === 'granted';
  close(shell, !granted);
  if (granted) {
    shell.core?.consent(true);
    drain();
  } else {
    for (const item of waiting.splice(0)) if (typeof item === 'string') refuse('consent');
    forgetIdentity(shell);
    for (const stream of shell.streams) stream.purged = true;
    shell.core?.consent(false);
  }
  load();
};

/** Brings the core, after the current task. Without it calls are durable all the same. */
const load = (): void => {
  // A denial has something to do where earlier pages left something.
  const journal = () => Object.keys(shell.area ?? {}).some((key) => /^.{36}:h$/.test(key.slice(shell.prefix.length)));
  if (loading || !(shell.verdict === 'granted' || (shell.verdict === 'denied' && journal()))) return;
  loading = true;
  setTimeout(() => {
    const url = wasm ?? (IIFE ? new URL('headwater.wasm', script) : new URL('headwater.wasm', import.meta.url));
    const core: Promise<typeof import('./core')> = IIFE
      ? import(new URL('core.js', script).href)
      : import('./core.js');
    core.then((half) => half.start(shell, url)).catch(() => (loading = false));
  });
};

const arrive = (): void => {
  shell.gone = new Promise((resolve) => (leave = resolve));
};

/** Begins counting. Calls made before it wait for it. */
export const init = guard((options: Options) => {
  if (shell.site || !options.site) throw Error(shell.site ? 'init called twice' : 'site is missing');
  shell.site = `${options.site}`;
  shell.prefix = `hw1:${shell.site}:`;
  if (options.endpoint) shell.endpoint = options.endpoint;
  if (options.appVersion) shell.appVersion = options.appVersion;
  wasm = options.wasm;
  try {
    if (options.storage !== 'none') shell.area = localStorage;
  } catch {
    // Forbidden by the visitor or by a sandbox: the journal is in memory.
  }
  arrive();
  addEventListener(
    'pagehide',
    guard(() => {
      drain();
      if (shell.core) shell.core.terminating();
      else if (shell.verdict === 'granted') rawSend(shell);
      leave();
    }),
  );
  addEventListener(
    'pageshow',
    guard((event) => {
      if (!event.persisted) return;
      // While the page slept its streams were free to be adopted.
      arrive();
      close(shell);
      shell.core?.resumed();
    }),
  );
  addEventListener('online', load);
  addEventListener(
    'storage',
    guard((event) => {
      if (event.key === shell.prefix + CONSENT) decide(decision(event.newValue) ?? shell.verdict);
    }),
  );
  if (decided) write(shell, CONSENT, decided);
  decide(decision(read(shell, CONSENT)) ?? decided ?? options.consent ?? 'granted');
});

/** The visitor sees a page. In a single-page app call it after every change of the address. */
export const page = guard((name?: string, props?: Props) => record('pageview', name, props));

/** Something happened. */
export const track = guard((name: string, props?: Props) => record('custom', name, props));

/** The visitor is known as `user` from here on, in every tab. */
export const identify = guard((user: string, traits?: Props) => {
  const name = `${user ?? ''}`;
  if (!name) throw TypeError('identify: no user');
  record('identify', null, traits, () => {
    setUser(shell, name);
    close(shell);
  });
});

/** The visitor logged out: nothing links what follows to what was before. */
export const reset = guard(() => {
  waiting.push(() => {
    resetIdentity(shell);
    close(shell, true);
  });
  drain();
});

/** The visitor's decision, remembered. A denial removes what is not sent yet, and names it in the ledger. */
export const consent = guard((verdict: 'granted' | 'denied') => {
  decided = decision(verdict);
  if (!decided) throw TypeError(`consent: ${verdict}`);
  if (!shell.site) return;
  write(shell, CONSENT, decided);
  decide(decided);
});

/** Sends what waits, now. */
export const flush = guard(() => {
  drain();
  if (shell.core) shell.core.flush();
  else load();
});
