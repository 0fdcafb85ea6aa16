/** How the core is had: the wasm, or where WebAssembly is refused the same as a script. */

import { Key } from './shared';
import type { Page } from './types';
import type { Exports } from './wasm';

declare const VERSION: string;

/** Draws a client that knows of nothing. */
export type Draw = () => Promise<Exports>;

/** A Content-Security-Policy reports each attempt, so a refusal is not asked for again. */
let refused: boolean | undefined;

const refuses = (page: Page): boolean => {
  if (page.read(Key.Wasm) === VERSION) return true;
  try {
    // The empty module: what refuses it refuses all. (`validate` asks no policy.)
    return !new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
  } catch {
    if (page.verdict === 'granted') page.write(Key.Wasm, VERSION);
    return true;
  }
};

const compile = async (url: string | URL): Promise<() => unknown> => {
  const answer = await fetch(url);
  if (!answer.ok) throw Error(`${url}: ${answer.status}`);
  const module = await WebAssembly.compile(await answer.arrayBuffer());
  return async () => (await WebAssembly.instantiate(module)).exports;
};

/** Brings the core; without the address of a wasm it never asks for WebAssembly. */
export const bring = async (page: Page, url: string | URL | undefined): Promise<Draw> => {
  const make = url && !(refused ??= refuses(page)) ? await compile(url) : (await import('./headwater.wasm.js')).make;
  return async () => {
    const exports = (await make()) as Exports;
    exports.start(...([...crypto.getRandomValues(new Uint32Array(8))] as Parameters<Exports['start']>));
    return exports;
  };
};
