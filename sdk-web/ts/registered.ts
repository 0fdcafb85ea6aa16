/** Registered properties: added to events at the call, until they are unregistered or the visitor is reset. */

import type { Props } from './api';
import { json, objectText } from './event';
import { Key } from './shared';
import type { Page } from './types';

/** Replaces what is registered, for all tabs once consent is given. */
export const keep = (page: Page, props: Props): void => {
  const text = json(props);
  page.registered = props;
  if (page.verdict === 'granted' && text !== (page.read(Key.Props) ?? '{}')) page.write(Key.Props, text);
};

/** The properties of an event: the call's own win. */
export const merged = (page: Page, props: unknown): unknown =>
  Object.keys(page.registered).length ? { ...page.registered, ...(props == null ? {} : snapshot(props)) } : props;

/** A copy of an object as it is now, and as JSON keeps it. */
export const snapshot = (value: unknown): Props => JSON.parse(objectText(value));
