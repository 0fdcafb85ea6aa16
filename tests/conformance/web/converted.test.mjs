/**
 * The core as a script does what the wasm does: both are told the same, at random, and say the same, number by number,
 * with the same text of every request. `HEADWATER_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { dice, seed, showSeed } from '../../e2e/harness/random.mjs';
import { DIST } from '../../e2e/harness/site.mjs';

/** The numbers of `sdk-web/ts/wasm.ts`. */
const [APPENDED, ANSWERED, CONSENT, OPENED, RECORDED, STREAM_FOUND, ERASE, ROOM] = [2, 3, 4, 13, 14, 17, 22, 28];
const [NONE, RECORD, SEND] = [0, 4, 7];
const KINDS = 29;
const NEVER = 2 ** 32 - 1;

const module = await WebAssembly.compile(await readFile(path.join(DIST, 'headwater.wasm')));
const { make } = await import(pathToFileURL(path.join(DIST, 'headwater.wasm.js')));

/** What `of` the core returns, or that it trapped. */
const said = (of) => {
  try {
    return of();
  } catch {
    return 'trap';
  }
};

/** A core, and what it says as values that can be compared. */
const listen = (core) => ({
  ...core,
  bytes: () => core.memory.buffer.byteLength,
  effect() {
    const words = [...new Uint32Array(core.memory.buffer, core.poll(), 10)];
    return words[0] === NONE ? words.slice(0, 4) : words;
  },
  request(no) {
    const [address, length, seqs, count] = new Uint32Array(core.memory.buffer, core.request(no), 4);
    const text = new TextDecoder().decode(new Uint8Array(core.memory.buffer, address, length));
    return [text, ...new Uint32Array(core.memory.buffer, seqs, count)];
  },
});

/** Makes up what is told: mostly what a page would say, given what the core has said, and otherwise anything. */
const teller = (roll) => {
  const below = (n) => Math.floor(roll() * n);
  const edges = [0, 1, 2 ** 31 - 1, 2 ** 31, NEVER - 1, NEVER];
  const any = () => (roll() < 0.2 ? edges[below(edges.length)] : below(2 ** below(33)));
  const heads = [];
  const asked = { [SEND]: [], [RECORD]: [] };
  let mono = 0;
  let unix = 1_710_320_000_000;
  const halves = (time) => [time, time / 2 ** 32];
  const times = () => {
    mono += roll() < 0.1 ? below(100_000) : roll() * 20;
    unix += roll() < 0.01 ? below(2 ** 40) - 2 ** 39 : below(500);
    // No clock says more than 2^53; only beyond 2^64 the script's core begins anew at 0.
    return [mono, unix].map((time) => (roll() < 0.01 ? [NaN, -1, 2 ** 53][below(3)] : time));
  };
  const answer = () => {
    const settled = roll() < 0.6;
    const status = settled ? 204 : [0, 200, 204, 400, 413, 422, 429, 500, 503][below(9)];
    const ack = settled ? asked.count : [0, NEVER, below(50)][below(3)];
    const after = roll() < 0.8 ? NEVER : below(60_000);
    const [request] = asked[SEND].splice(below(asked[SEND].length), 1);
    return [ANSWERED, request, status, ack, after, ...halves(roll() < 0.5 ? 0 : unix)];
  };
  const step = () => {
    const kind = roll();
    if (!heads.length || (kind < 0.03 && heads.length < 12)) {
      const found = roll() < 0.3;
      const head = found ? below(200) : 0;
      const no = heads.push(head) - 1;
      return found ? [STREAM_FOUND, no, below(head + 1), head, 0, below(2)] : [OPENED, no, 0, below(2)];
    }
    if (kind < 0.55) {
      const no = below(heads.length);
      return [APPENDED, no, heads[no]++, below(roll() < 0.05 ? 60_000 : 1_000), ...halves(unix)];
    }
    if (kind < 0.75 && asked[SEND].length) return answer();
    if (kind < 0.8 && asked[RECORD].length) return [RECORDED, asked[RECORD].pop()];
    if (kind < 0.81) return [ROOM, below(5_000_000)];
    const told = [below(KINDS), ...Array.from({ length: 8 }, (_, at) => (at ? any() : below(heads.length + 1)))];
    // After which there is little left to decide.
    return [CONSENT, ERASE].includes(told[0]) && roll() < 0.95 ? [] : told;
  };
  return {
    next: () => [...times(), ...step()],
    hear: ([effect, a]) => asked[effect]?.push(a),
    /** Of the latest request. */
    counts: (events) => (asked.count = events),
  };
};

/** Tells both so many random things, or until both trap; returns how much they did and hold. */
const compare = async (seed, steps) => {
  const roll = dice(seed);
  const cores = [listen((await WebAssembly.instantiate(module)).exports), listen(make())];
  const both = (what, of) => {
    const [wasm, script] = cores.map((core) => said(() => of(core)));
    assert.deepEqual(script, wasm, `${what}, seed ${seed}`);
    return wasm;
  };
  const { next, hear, counts } = teller(roll);
  const drawn = Array.from({ length: 8 }, () => Math.floor(roll() * 2 ** 32));
  both('start', (core) => core.start(...drawn));
  let effects = 0;
  for (let n = 0; n < steps; n++) {
    const told = next();
    const what = `step ${n}: ${told}`;
    if (both(what, (core) => core.input(...told)) === 'trap') break;
    for (;;) {
      const effect = both(what, (core) => core.effect());
      if (effect === 'trap' || effect[0] === NONE) break;
      effects++;
      hear(effect);
      if (effect[0] === SEND) counts(both(what, (core) => core.request(effect[1])).length - 1);
    }
    both(`done, ${what}`, (core) => core.done(told[3]));
  }
  return { effects, bytes: both('memory', (core) => core.bytes()) };
};

test('300 random lives of a page are the same in both', async () => {
  showSeed();
  let effects = 0;
  for (let n = 0; n < 300; n++) effects += (await compare(seed * 1_000 + n, 200)).effects;
  assert.ok(effects > 5_000, `${effects} effects`);
});

test('so is a long one, in which memory grows', async () => {
  const { bytes } = await compare(seed, 10_000);
  assert.ok(bytes > make().memory.buffer.byteLength, `${bytes} bytes`);
});
