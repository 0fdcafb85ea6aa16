/** Writes a call as JSON, once, as the page's data is at that moment. */

/** Longest event, in characters: the collector takes 64 KiB, and what leaves with a page has 60 KB. */
const EVENT_MAX = 50_000;

let lastTs = 0;
let referrer: string | undefined;

/**
 * JSON that servers take: half a surrogate pair (a text cut within an emoji) and NUL become U+FFFD, rather than cost
 * the event. Escaped backslashes are stepped over.
 */
export const json = (value: unknown): string =>
  JSON.stringify(value).replace(/\\(\\|ud[89a-f]..|u0000)/g, (escape, what) => (what === '\\' ? escape : '\\ufffd'));

/**
 * The event's text without its opening brace. `ts` comes first (the shell reads it back from there) and strictly
 * increases, whatever the clock does. Throws what the page's own data throws.
 */
export const eventText = (type: string, name: unknown, props: unknown): string => {
  const url = location.pathname + location.search;
  let text = `"ts":${(lastTs = Math.max(Date.now(), lastTs + 1))},"type":"${type}","url":${json(url)}`;
  if (type === 'pageview') {
    // In a single-page app the view before leads here, not the site that the visitor once came from.
    const from = referrer ?? document.referrer;
    if (from) text += `,"referrer":${json(from)}`;
    referrer = location.href;
  }
  if (name != null) text += `,"name":${json(`${name}`)}`;
  if (props != null) {
    const object = json(props);
    if (object[0] !== '{') throw TypeError('props must be an object');
    text += `,"props":${object}`;
  }
  if (text.length > EVENT_MAX) throw RangeError('event too long');
  return text + '}';
};

/** When the event of this text was called, in Unix ms. */
export const tsOf = (text: string): number => parseInt(text.slice(5), 10);

/** Its length in UTF-8, as it is sent. */
export const bytes = (text: string): number => new TextEncoder().encode(text).length;
