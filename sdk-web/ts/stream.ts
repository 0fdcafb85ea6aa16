/** Draws streams and writes their headers. Nobody else does, before the core is there or after. */

import { json } from './event';
import { type Lane, laneMark } from './lane';
import { known } from './shared';
import { opened } from './tell';
import type { Page, Stream } from './types';
import { uuid } from './uuid';

declare const VERSION: string;

/** Begins the stream that later calls of its lane go to, in localStorage if it is wanted and takes the header. */
export const open = (page: Page, wanted: boolean, lane: Lane): Stream => {
  const id = uuid();
  const [, client, device, user] = known(page);
  const context = {
    sdk: `web/${VERSION}`,
    platform: 'web',
    app_version: page.appVersion,
    device_id: device,
    locale: navigator.language,
    tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
    screen: `${screen?.width}x${screen?.height}`,
  };
  const header = (more?: object) =>
    laneMark(lane) +
    json({ stream: id, client_id: client, user_id: user, context: { ...context, ...more } }).slice(1, -1);
  const stored = wanted && page.write(id + ':h', header());
  const stream: Stream = {
    ...page.blank(id),
    header: header(stored ? {} : { no_storage: true }),
    own: true,
    stored,
    fresh: page.fresh,
  };
  if (!lane) stream.refused = page.refused;
  page.fresh = false;
  page.streams.push(stream);
  page.current[lane] = stream;
  if (stored) page.lock(id, {}, () => page.gone);
  opened(page, stream);
  return stream;
};
