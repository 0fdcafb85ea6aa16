/** A page for unit tests: the shell's state over a small localStorage. Browsers are driven in `tests/e2e`. */
import { newPage as create } from '../ts/page';
import type { Cold, Page, Stream } from '../ts/types';
import type { Input } from '../ts/wasm';

export class Area {
  [key: string]: unknown;
  /** Characters of keys and values that it takes in all. */
  declare room: number;

  constructor() {
    // As in browsers, only what is stored is listed.
    Object.defineProperty(this, 'room', { value: Infinity, writable: true });
  }

  /** From now on it takes nothing more. */
  fill(): void {
    this.room = Object.entries(this).reduce((sum, [key, value]) => sum + key.length + (value as string).length, 0);
  }

  getItem(key: string): string | null {
    return Object.hasOwn(this, key) ? (this[key] as string) : null;
  }

  setItem(key: string, value: string): void {
    const rest = Object.entries(this).filter(([name]) => name !== key);
    const length = [...rest, [key, value] as const].reduce(
      (sum, [name, text]) => sum + name.length + `${text}`.length,
      0,
    );
    if (length > this.room) throw new DOMException('full', 'QuotaExceededError');
    this[key] = value;
  }

  removeItem(key: string): void {
    delete this[key];
  }
}

Object.assign(globalThis, { VERSION: 'test', screen: { width: 800, height: 600 } });
Object.defineProperty(globalThis, 'navigator', { value: { language: 'en-GB' }, configurable: true });

export const newPage = (area: Area | undefined = new Area()): Page =>
  Object.assign(create(), {
    site: '"shop"',
    appVersion: null,
    endpoint: '/collect',
    area: area as unknown as Storage,
    prefix: 'hw1:shop:',
    verdict: 'granted' as const,
  });

/** A core that only listens. */
export const listen = (page: Page): [kind: Input, ...args: number[]][] => {
  const told: [kind: Input, ...args: number[]][] = [];
  page.core = {
    adopt: () => {},
    learn: () => {},
    resumed: () => {},
    tell: (...what) => told.push(what),
  };
  return told;
};

/** A cold store that holds these entries, and takes no more. */
export const coldOf = (entries: Record<string, string>): Cold => ({
  arm: () => {},
  sync: () => {},
  look: (id = '') => Promise.resolve(Object.entries(entries).filter(([key]) => key.startsWith(id))),
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
