/** Writes a call as JSON, once, as the page's data is at that moment. */

import type { Money } from './api';

/** Longest event, in characters: the collector takes 64 KiB, and what leaves with a page has 60 KB. */
const EVENT_MAX = 50_000;

let lastTs = 0;
let referrer: string | undefined;
let href: string | undefined;
let url: string;

/**
 * JSON that servers take: half a surrogate pair (a text cut within an emoji) and NUL become U+FFFD, rather than cost
 * the event. Escaped backslashes are stepped over.
 */
export const json = (value: unknown): string =>
  JSON.stringify(value).replace(/\\(\\|ud[89a-f]..|u0000)/g, (escape, what) => (what === '\\' ? escape : '\\ufffd'));

/** The JSON of what must be an object. */
export const objectText = (value: unknown): string => {
  const text = json(value);
  if (text[0] !== '{') throw TypeError('not an object');
  return text;
};

/** What must be there, as text. */
export const word = (value: unknown): string => {
  const text = `${value ?? ''}`;
  if (!text) throw TypeError('empty');
  return text;
};

/**
 * The event's text without its opening brace. `ts` comes first (the shell reads it back from there) and strictly
 * increases, whatever the clock does. Throws what the page's own data throws.
 */
export const eventText = (type: string, name: unknown, props: unknown, money?: Money): string => {
  // Reading an address costs the more the more parts of it are read, and it seldom changes.
  if (href !== (href = location.href)) url = json(location.pathname + location.search);
  let text = `"ts":${(lastTs = Math.max(Date.now(), lastTs + 1))},"type":"${type}","url":${url}`;
  if (type === 'pageview') {
    // In a single-page app the view before leads here, not the site that the visitor once came from.
    const from = referrer ?? document.referrer;
    if (from) text += `,"referrer":${json(from)}`;
    referrer = href;
  }
  if (name != null) text += `,"name":${json(`${name}`)}`;
  if (props != null) text += `,"props":${objectText(props)}`;
  if (money != null) {
    const { revenue, currency } = money;
    if (!(Number.isSafeInteger(revenue) && /^[A-Z]{3}$/.test(currency))) throw TypeError('not money');
    text += `,"revenue":${revenue},"currency":"${currency}"`;
  }
  if (text.length > EVENT_MAX) throw RangeError('too long');
  return text + '}';
};

/** When the event of this text was called, in Unix ms. */
export const tsOf = (text: string): number => parseInt(text.slice(5));

/** Its length in UTF-8, as it is sent. */
export const bytes = (text: string): number =>
  // Most texts are ASCII, and to encode them would cost as much as the write to storage.
  /[^\0-\x7f]/.test(text) ? new Blob([text]).size : text.length;
