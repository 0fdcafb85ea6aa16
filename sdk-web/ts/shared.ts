/**
 * What the tabs of a site share: a few small keys, last writer wins. Nothing of the promise rests on them; two
 * tabs of a first visit may briefly be two clients.
 */

import { read, remove, write } from './storage';
import type { Identity, Page, Verdict } from './types';
import { uuid } from './uuid';

export const ID = 'id';
/** Eight numbers of the core: the session's id, its first and its latest event (`wasm.ts`). */
export const SESSION = 'session';
/** The visitor's decision: `granted` or `denied`. */
export const CONSENT = 'consent';
/** No request before this Unix ms (a Retry-After). */
export const GATE = 'gate';

/** The decision that a stored text is. */
export const decision = (text: string | null): Verdict | undefined =>
  text === 'granted' || text === 'denied' ? text : undefined;

const save = (page: Page, identity: Identity): Identity => {
  const text = JSON.stringify((page.identity = identity));
  page.identityText = write(page, ID, text) ? text : null;
  return identity;
};

const parse = (text: string | null): Identity | undefined => {
  try {
    const found = JSON.parse(text!);
    return found[0] >= 0 && found[1] && found[2] ? found : undefined;
  } catch {
    // Nothing there, or not ours.
    return undefined;
  }
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
  remove(page, SESSION);
};

/** Consent was denied: the ids go too. */
export const forgetIdentity = (page: Page): void => {
  page.identity = undefined;
  remove(page, ID);
  remove(page, SESSION);
};

/**
 * Compares the stored identity with the page's, before each append. `changed`: another tab identified or reset.
 * `cleared`: the page emptied localStorage; the identity is written again, the rest is the caller's.
 */
export const compare = (page: Page): 'changed' | 'cleared' | 'same' => {
  const before = page.identity;
  const text = read(page, ID);
  if (before && text === page.identityText) return 'same';
  const found = parse(text);
  if (found) {
    page.identity = found;
    page.identityText = text;
  } else {
    save(page, known(page));
  }
  return before ? (found ? 'changed' : 'cleared') : 'same';
};
