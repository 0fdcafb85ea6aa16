/** Brings the core, after the current task. Without it calls are durable all the same. */

import type { Page } from './types';

/** Built as a classic script that sets `window.headwater`, rather than as an ES module. */
declare const IIFE: boolean;
/** Built to ask for WebAssembly, rather than to leave it alone. */
declare const WASM: boolean;

const script = IIFE ? (document.currentScript as HTMLScriptElement | null)?.src || location.href : '';
let loading = false;

/** Shows what becomes of events (`debug.ts`). */
export const watch = (page: Page, waiting: unknown[]): void => {
  const shown: Promise<typeof import('./debug')> = IIFE ? import(new URL('debug.js', script).href) : import('./debug.js');
  shown.then((debug) => debug.watch(page, waiting)).catch(() => {});
};

export const load = (page: Page): void => {
  // A denial has something to do where earlier pages left something.
  const journal = () => Object.keys(page.area ?? {}).some((key) => /^.{36}:h$/.test(key.slice(page.prefix.length)));
  if (loading || !(page.verdict === 'granted' || (page.verdict === 'denied' && journal()))) return;
  loading = true;
  setTimeout(() => {
    const url = WASM
      ? (page.wasm ?? (IIFE ? new URL('headwater.wasm', script) : new URL('headwater.wasm', import.meta.url)))
      : undefined;
    const core: Promise<typeof import('./core')> = IIFE ? import(new URL('core.js', script).href) : import('./core.js');
    core.then((half) => half.start(page, url)).catch(() => (loading = false));
  });
};
