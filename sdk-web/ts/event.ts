/** Writes a call as JSON, once, as the page's data is at that moment. */

import type { Money } from './api';

/** Longest event, in characters: the collector takes 64 KiB, and what leaves with a page has 60 KB. */
const EVENT_MAX = 50_000;
/** Longest id, in bytes, that the collector takes. With a longer one it would take nothing of the visitor. */
const WORD_MAX = 256;

/** As they are when this script runs: old libraries replace them. */
const { stringify } = JSON;
export const { now } = Date;

let lastTs = 0;
let referrer: string | undefined;
let href: string | undefined;
let url: string;

/** Of each kind one: old libraries give all of a kind a `toJSON` that makes of it a text in quotes. */
const KINDS: any[] = [{}, [], '', 0];

/**
 * JSON that servers take: half a surrogate pair (a text cut within an emoji) and NUL become U+FFFD, rather than cost
 * the event. Escaped backslashes are stepped over.
 */
export const json = (value: unknown): string =>
  stringify(
    value,
    KINDS.some((kind) => kind.toJSON)
      ? function (this: any, key, written) {
          const own = this[key];
          return KINDS.some((kind) => kind.toJSON === own?.toJSON) ? own : written;
        }
      : undefined!,
  ).replace(/\\(\\|ud[89a-f]..|u0000)/g, (escape, what) => (what === '\\' ? escape : '\\ufffd'));

/** The JSON of what must be an object. Megabytes are refused before they are written. */
export const objectText = (value: unknown): string => {
  const small = typeof value === 'object' && !Object.values(value!).some((part) => part?.length > EVENT_MAX);
  const text = small ? json(value) : '';
  if (text[0] !== '{') throw TypeError('too long, or no object');
  return text;
};

/** What must be there, as text. */
export const word = (value: unknown): string => {
  const text = `${value ?? ''}`;
  if (!text || bytes(text) > WORD_MAX) throw TypeError('too long, or empty');
  return text;
};

/**
 * The event's text without its opening brace. `ts` comes first (the shell reads it back from there) and strictly
 * increases, whatever the clock does. Throws what the page's own data throws.
 */
export const eventText = (type: string, name: unknown, props: unknown, money?: Money): string => {
  // Reading an address costs the more the more parts of it are read, and it seldom changes.
  if (href !== (href = location.href)) url = json(location.pathname + location.search);
  let text = `"type":"${type}","url":${url}`;
  if (type === 'pageview') {
    // In a single-page app the view before leads here, not the site that the visitor once came from.
    const from = referrer ?? document.referrer;
    if (from) text += `,"referrer":${json(from)}`;
    referrer = href;
  }
  if (name != null) text += `,"name":${json(`${name}`)}`;
  if (props != null) text += `,"props":${objectText(props)}`;
  if (money != null) {
    const { revenue } = money;
    const currency = `${money.currency}`;
    if (!(Number.isSafeInteger(revenue) && /^[A-Z]{3}$/.test(currency))) throw TypeError('not money');
    text += `,"revenue":${revenue},"currency":"${currency}"`;
  }
  // At the end, because the page's data may call us in turn: whose call ends first comes first.
  if (text.length > EVENT_MAX) throw TypeError('too long');
  return `"ts":${(lastTs = Math.max(Math.floor(now()) || 0, lastTs + 1))},${text}}`;
};

/** When the event of this text was called, in Unix ms. */
export const tsOf = (text: string): number => parseInt(text.slice(5));

/** Its length in UTF-8, as it is sent. */
export const bytes = (text: string): number =>
  // Most texts are ASCII, and to encode them would cost as much as the write to storage.
  /[^\0-\x7f]/.test(text) ? new Blob([text]).size : text.length;
