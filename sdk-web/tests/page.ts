/** A page for unit tests: the shell's state over a small localStorage. Browsers are driven in `tests/e2e`. */
import type { Page, Stream } from '../ts/types';

export class Area {
  [key: string]: unknown;
  /** Longest value it takes: 0 is a full storage. */
  declare room: number;

  constructor() {
    // As in browsers, only what is stored is listed.
    Object.defineProperty(this, 'room', { value: Infinity, writable: true });
  }

  getItem(key: string): string | null {
    return Object.hasOwn(this, key) ? (this[key] as string) : null;
  }

  setItem(key: string, value: string): void {
    if (value.length > this.room) throw new DOMException('full', 'QuotaExceededError');
    this[key] = value;
  }

  removeItem(key: string): void {
    delete this[key];
  }
}

Object.assign(globalThis, { VERSION: 'test', screen: { width: 800, height: 600 } });
Object.defineProperty(globalThis, 'navigator', { value: { language: 'en-GB' }, configurable: true });

export const newPage = (area: Area | undefined = new Area()): Page => ({
  site: 'shop',
  appVersion: null,
  endpoint: '/collect',
  area: area as unknown as Storage,
  prefix: 'hw1:shop:',
  identity: undefined,
  identityText: null,
  verdict: 'granted',
  stopped: false,
  streams: [],
  current: undefined,
  refused: {},
  fresh: false,
  core: undefined,
  gone: Promise.resolve(),
});

/** What is stored of a stream, by name. */
export const stored = (page: Page, { id }: Stream): Record<string, string> => {
  const prefix = `${page.prefix}${id}:`;
  return Object.fromEntries(
    Object.entries(page.area as object)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
};
