/** What becomes of a call: refused, held while consent is unknown, or appended to the journal. */

import type { Props } from './api';
import { guard } from './guard';
import { append, restore } from './hot_log';
import { Lane } from './lane';
import { load } from './load';
import { newPage } from './page';
import { rawSend } from './raw_send';
import { keep } from './registered';
import { Key, compare, decision, forgetIdentity, parse, resetIdentity } from './shared';
import { open } from './stream';
import { consented, refused, replay } from './tell';
import type { Stream, Verdict } from './types';
import { Input, Refusal, numbers } from './wasm';

declare global {
  interface Document {
    /** The browser has loaded the page on suspicion; nobody has seen it. */
    readonly prerendering?: boolean;
  }
}

export const page = newPage();
/** Calls of this task, or since consent is awaited: event texts, and what happens between two of them. */
export const waiting: ([text: string, lane: Lane] | (() => void))[] = [];
/** Whether `drain` will run after this task. */
let queued = false;
/** Whether there are refusals that the core has not been told. */
let untold = false;

/** Takes in a call that `write` makes an event's text of; `before` happens just before it is appended. */
export const record = (write: () => string, before?: () => void, lane = Lane.Usual): void => {
  let text;
  try {
    text = write();
  } catch (error) {
    refuse(Refusal.Invalid);
    throw error;
  }
  const [refusal = 0, until = 0] = page.refusal;
  if (page.verdict === 'denied') return refuse(Refusal.Consent);
  if (refusal && page.now() < until) return refuse(refusal);
  if (page.verdict === 'unknown' && waiting.length >= page.room) return refuse(Refusal.Waiting);
  if (before) waiting.push(before);
  waiting.push([text, lane]);
  soon();
};

const refuse = (verdict: Refusal): void => {
  page.refused[verdict] = (page.refused[verdict] ?? 0) + 1;
  untold = true;
  soon();
};

const soon = (): void => {
  if (page.verdict !== 'granted' || queued) return;
  queued = true;
  queueMicrotask(guard(drain));
};

/** Writes what was called, one journal entry per stream. */
export const drain = (): void => {
  queued = false;
  const text = page.read(Key.Identity);
  // Another tab's decision may be older than its storage event; a denial takes the identity with it.
  if (page.verdict !== 'granted' || text !== page.idText) decide(decision(page.read(Key.Consent)) ?? page.verdict);
  if (page.verdict !== 'granted' || !(waiting.length || untold)) return;
  const client = page.identity?.[1];
  const state = compare(page, text);
  if (state === 'changed') page.close(client !== page.identity?.[1]);
  if (state === 'cleared') {
    restore(page);
    keep(page, page.registered);
  }
  let texts: [string[], string[]] = [[], []];
  const write = () => {
    texts.forEach((bodies, lane) => append(page, bodies, lane));
    texts = [[], []];
  };
  for (const item of waiting.splice(0)) {
    if (typeof item === 'function') {
      write();
      item();
    } else {
      texts[item[1]].push(item[0]);
    }
  }
  write();
  if (page.left) {
    // Called by the page's own last words: nobody else will send it before the next page.
    rawSend(page, page.current as Stream[]);
    page.close();
  }
  if (!untold) return;
  // Refusals are told with a stream, if need be one without an event; not to a site that wants to be left in peace.
  const stream = page.current[Lane.Usual] ?? (page.refusal[0] !== Refusal.Stopped && open(page, true, Lane.Usual));
  untold = !stream;
  if (stream) refused(page, stream);
};

export const decide = (verdict: Verdict): void => {
  if (page.verdict === verdict || !page.site) return;
  page.verdict = verdict;
  const granted = verdict === 'granted';
  if (!granted) {
    for (const stream of page.streams) stream.purged = true;
    // The first that the core hears: whatever it is told, it sends what is due.
    consented(page, false);
  }
  page.close(!granted);
  if (granted) {
    keep(page, page.registered);
    consented(page, true);
    drain();
  } else {
    for (const item of waiting.splice(0)) if (typeof item !== 'function') refuse(Refusal.Consent);
    forgetIdentity(page);
    // Who denies also answers for the pages that are gone.
    page.core?.adopt();
  }
  load(page);
};

/** From the next call on the visitor is somebody else. */
export const reset = (): void => {
  keep(page, {});
  waiting.push(() => {
    resetIdentity(page);
    page.close(true);
  });
  drain();
};

page.erase = reset;

page.heard = (key, text) => {
  if (!text) return;
  if (key === Key.Consent) decide(decision(text) ?? page.verdict);
  else if (key === Key.Props) page.registered = { ...(parse(text) as Props | null) };
  else if (key === Key.Refuse) page.refusal = numbers(text);
  else page.core?.learn(key, text);
};

page.greet = () => {
  const tell = page.core!.tell;
  if (!navigator.onLine) tell(Input.Online, 0);
  if (document.hidden) tell(Input.Hidden);
  replay(page);
};
