/** Draws streams and writes their headers. Nobody else does, before the core is there or after. */

import { json } from './event';
import { known } from './shared';
import { write } from './storage';
import type { Page, Stream } from './types';
import { uuid } from './uuid';

declare const VERSION: string;

/** A stream of which nothing is known but its name. */
export const blank = (page: Page, id: string): Stream => ({
  id,
  no: page.streams.length,
  header: '',
  own: false,
  stored: true,
  head: 0,
  writes: 0,
  bodies: new Map(),
  keys: [],
  notes: new Map(),
  fresh: false,
  purged: false,
  refused: {},
});

/** Begins the stream that later calls are appended to, in localStorage if it is wanted and takes the header. */
export const open = (page: Page, wanted: boolean): Stream => {
  const id = uuid();
  const [, client, device, user] = known(page);
  const context = {
    sdk: `web/${VERSION}`,
    platform: 'web',
    app_version: page.appVersion,
    device_id: device,
    locale: navigator.language,
    tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
    screen: `${screen.width}x${screen.height}`,
  };
  const header = (more?: object) =>
    json({ stream: id, client_id: client, user_id: user, context: { ...context, ...more } }).slice(1, -1);
  const stored = wanted && write(page, id + ':h', header());
  const stream: Stream = {
    ...blank(page, id),
    header: header(stored ? {} : { no_storage: true }),
    own: true,
    stored,
    fresh: page.fresh,
    refused: page.refused,
  };
  page.fresh = false;
  page.streams.push(stream);
  page.current = stream;
  if (stored) lock(page, id, {}, () => page.gone);
  page.core?.opened(stream);
  return stream;
};

/** No more is appended to the current stream; refusals from here on are told with the next one. */
export const close = (page: Page, fresh = false): void => {
  if (page.current) page.refused = {};
  page.current = undefined;
  page.fresh ||= fresh;
};

/** Asks for the stream's Web Lock. It decides who adopts; it makes nothing safe. */
export const lock = (
  page: Page,
  id: string,
  options: LockOptions,
  granted: (lock: Lock | null) => Promise<void> | undefined,
): Promise<unknown> | undefined =>
  // Refused where the document is no longer active: then there is nothing to protect.
  navigator.locks?.request(page.prefix + id, options, granted).catch(() => {});

/** What every journal entry begins with: `done,head` of its moment. Until the core is there nothing is settled. */
export const moment = (page: Page, stream: Stream, head: number): string => `${page.core?.done(stream) ?? 0},${head}`;

/** How a batch of the stream begins: the header, and what was refused so far. */
export const batchStart = ({ header, refused }: Stream): string =>
  Object.keys(refused)[0] ? `${header},"refused":${JSON.stringify(refused)}` : header;
