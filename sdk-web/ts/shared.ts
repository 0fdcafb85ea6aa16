/**
 * What the tabs of a site share: a few small keys, last writer wins. Nothing of the promise rests on them; two
 * tabs of a first visit may briefly be two clients.
 */

import { json } from './event';
import type { Identity, Page, Verdict } from './types';
import { uuid } from './uuid';

export const enum Key {
  /** The visitor's decision: `granted` or `denied`. */
  Consent = 'consent',
  /** No request before this Unix ms (a Retry-After), as the core's numbers. */
  Gate = 'gate',
  /** Who the visitor is: `Identity` as JSON. */
  Identity = 'id',
  /** What `register` adds to events: a JSON object. */
  Props = 'props',
  /** What `Page.refusal` is. */
  Refuse = 'refuse',
  /** The session (its id, its first and its latest event), as the core's numbers. */
  Session = 'session',
  /** The site's remote settings, as the core's numbers. */
  Settings = 'settings',
  /** The version of the package that was refused WebAssembly, and does not ask again (`bring.ts`). */
  Wasm = 'wasm',
}

/** The decision that a stored text is. */
export const decision = (text: unknown): Verdict | undefined =>
  text === 'granted' || text === 'denied' ? text : undefined;

/** What a stored JSON text says; null if there is none, or it is not ours. */
export const parse = (text: string | null): unknown => {
  try {
    return JSON.parse(text!);
  } catch {
    return null;
  }
};

const save = (page: Page, identity: Identity): Identity => {
  const text = json((page.identity = identity));
  page.idText = page.write(Key.Identity, text) ? text : null;
  return identity;
};

export const known = (page: Page): Identity => page.identity ?? save(page, [0, uuid(), uuid(), null]);

/** The visitor has a name now. */
export const setUser = (page: Page, user: string): void => {
  const [revision, client, device] = known(page);
  save(page, [revision + 1, client, device, user]);
};

/** A new visitor, whom nothing links to the one before. */
export const resetIdentity = (page: Page): void => {
  save(page, [known(page)[0] + 1, uuid(), uuid(), null]);
  page.remove(Key.Session);
};

/** Consent was denied: the ids go too, and what was registered with them. */
export const forgetIdentity = (page: Page): void => {
  page.identity = undefined;
  page.registered = {};
  [Key.Identity, Key.Session, Key.Props].forEach(page.remove);
};

/**
 * Compares the stored identity with the page's. `changed`: another tab identified or reset. `cleared`: the page emptied
 * localStorage; the identity is written again, the rest is the caller's.
 */
export const compare = (page: Page, text: string | null): 'changed' | 'cleared' | 'same' => {
  const before = page.identity;
  if (before && text === page.idText) return 'same';
  const found = parse(text) as Identity | null;
  const sound = found && found[0] >= 0 && found[1] && found[2];
  if (sound) {
    page.identity = found;
    page.idText = text;
  } else {
    save(page, known(page));
  }
  return before ? (sound ? 'changed' : 'cleared') : 'same';
};
