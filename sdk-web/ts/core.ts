/** The second half of the shell: brings the core, and does what it says. */

import { adopt, announce } from './adopt';
import { bring } from './bring';
import { ROOM, newCold } from './cold';
import { forget, forgetNote, forgetStream, note, noteLoss, renew, reserve } from './notes';
import { Key } from './shared';
import { send, settingsOf, splice } from './transport';
import type { Core, Page, Stream, Tell } from './types';
import { Effect, type Exports, Input, NONE, Refusal, Transport, numbers, whole } from './wasm';

/** Longest wait a browser's timer can hold is 2^31 ms; the core asks again. */
const LONGEST_WAIT_MS = 1e9;

/** No time that ends comes after it, Unix ms. */
const NEVER = 1e15;

/** When what storage did not take is tried again. */
const WRITE_AGAIN_MS = 5_000;

/**
 * What the core shares with the other tabs and later pages: the effect, the input that tells it again, and which numbers
 * of the effect are stored and told.
 */
const SHARED: Record<string, [saved: Effect, learned: Input, from: number, to: number]> = {
  [Key.Gate]: [Effect.SaveGate, Input.Gate, 1, 3],
  [Key.Session]: [Effect.SaveSession, Input.SessionChanged, 1, 9],
  [Key.Settings]: [Effect.SaveSettings, Input.SettingsChanged, 0, 5],
};

type Arguments = [number, number, number, number, number, number, number, number, number];

export const start = async (page: Page, url: string | URL | undefined): Promise<void> => {
  const draw = await bring(page, url);
  let wasm: Exports;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = Infinity;
  let polling = false;
  /** Lives of the page: one more each time it returns from the back/forward cache. */
  let life = 0;

  /** Nothing here may reach the page as an error. Should the core fail, the shell goes on as if it had not come. */
  const tell: Tell = (kind, ...args) => {
    if (!page.core) return;
    try {
      page.spy?.tell(kind, ...args);
      wasm.input(performance.now(), page.now(), kind, ...args);
      if (polling) return;
      polling = true;
      while (obey(...effect()));
      polling = false;
      if (kind === Input.Terminating) cold.sync();
      else cold.arm();
    } catch {
      page.core = undefined;
    }
  };

  const cold = newCold(page, tell);

  /** Memory may grow, and its buffer change, while the core writes: ask for the address first. */
  const effect = (): [Effect, ...Arguments] => {
    const address = wasm.poll();
    return [...new Uint32Array(wasm.memory.buffer, address, 10)] as [Effect, ...Arguments];
  };

  const obey = (effect: Effect, ...args: Arguments): boolean => {
    const [a, b, c, d, e] = args;
    page.spy?.sees(effect, args, wasm);
    const stream = (no: number) => page.streams[no]!;
    switch (effect) {
      case Effect.Accept:
        refuse('0,0');
        break;
      case Effect.Erase:
        page.erase();
        break;
      case Effect.Forget:
        forget(page, stream(a), b, c);
        stream(a).done = wasm.done(a);
        reserve(page);
        break;
      case Effect.ForgetRecord:
        forgetNote(page, stream(b), `r${a}`);
        stream(b).done = wasm.done(b);
        break;
      case Effect.ForgetStream:
        forgetStream(page, stream(a));
        break;
      case Effect.None:
        wake(c === NONE ? Infinity : whole(b, c));
        return false;
      case Effect.Record:
        // Until it can be written the events stay; if not in this life of the page, an adopter decides anew.
        if (noteLoss(page, stream(b), `r${a}`, [c, d, e])) tell(Input.Recorded, a);
        else setTimeout((asked: number) => asked === life && obey(effect, ...args), WRITE_AGAIN_MS, life);
        break;
      case Effect.Refuse:
        refuse(`${a},${whole(b, c)}`);
        break;
      case Effect.Send:
        transmit(a, stream(b), c);
        break;
      case Effect.Stamp:
        note(page, stream(a), `s${b}`, args.slice(1, 6));
        break;
      default:
        for (const [key, [saved, , from, to]] of Object.entries(SHARED)) {
          if (saved === effect) page.write(key, `${args.slice(from, to)}`);
        }
    }
    return true;
  };

  const refuse = (text: string): void => {
    // Another tab may have heard that the site is gone, for good.
    if (page.refusal[1]! > NEVER) return;
    page.write(Key.Refuse, text);
    page.heard(Key.Refuse, text);
  };

  /** Wakes the core at this instant of `performance.now()`. Most events change nothing about it. */
  const wake = (at: number): void => {
    if (at === due) return;
    due = at;
    clearTimeout(timer);
    if (at === Infinity) return;
    const wait = Math.ceil(Math.max(0, at - performance.now()));
    timer = setTimeout(
      () => {
        due = Infinity;
        tell(Input.Timeout);
      },
      Math.min(wait, LONGEST_WAIT_MS),
    );
  };

  const transmit = (request: number, stream: Stream, transport: Transport): void => {
    const at = wasm.request(request);
    const [address, length, seqs, count] = new Uint32Array(wasm.memory.buffer, at, 4);
    const template = new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, address, length));
    const bodies = [...new Uint32Array(wasm.memory.buffer, seqs, count)].map((seq) => stream.bodies.get(seq)!);
    const text = splice(template, page, stream, bodies, page.now());
    const asked = life;
    try {
      if (transport === Transport.Beacon && navigator.sendBeacon(page.endpoint, text)) return;
    } catch {
      // Some browsers have no beacons, or a blocker's.
    }
    send(page, stream, text, count!, transport !== Transport.Fetch).then(([answer, { erase, settings }]) => {
      // Of an earlier life: whoever adopted the stream asks again.
      if (asked !== life) return;
      // Whatever the core is told, it sends what is due: of this, nothing.
      if (erase === true) for (const each of page.streams) each.purged = true;
      tell(Input.Answered, request, ...answer);
      if (settings) tell(Input.Settings, ...settingsOf(settings));
      if (erase === true) tell(Input.Erase);
    });
  };

  const learn = (key: string, text: string): void => {
    // Not what a page gives every object.
    if (!Object.keys(SHARED).includes(key)) return;
    const [, learned, from, to] = SHARED[key]!;
    const args = numbers(text);
    if (key === Key.Settings) {
      // A stop began when the answer came, not now: it goes on for what is left of it.
      const [verdict, until = 0] = page.refusal;
      const left = until - page.now();
      args[4] = verdict === Refusal.Stopped && left > 0 && left < NONE ? left : 0;
    }
    if (args.length === to - from && args.every((n) => n >= 0)) tell(learned, ...args);
  };

  const adoptAll = (): void => {
    adopt(page, cold, tell).catch(() => {});
  };

  /** A client that knows of nothing learns what holds. */
  const greet = (): void => {
    // As much as a cold store has room for, until there turns out to be none.
    if (page.area) tell(Input.Room, ROOM);
    for (const key of Object.keys(SHARED)) page.heard(key, page.read(key));
    page.greet();
  };

  /** A life of the page begins, with a core of its own, and with what is `kept` in memory of the life before. */
  const live = async (kept: Stream[]): Promise<void> => {
    wasm = await draw();
    page.core = core;
    reserve(page);
    greet();
    for (const stream of kept) {
      const [done] = stream.bodies.keys();
      announce(page, { ...stream, done: done! }, tell);
    }
    adoptAll();
  };

  const core: Core = {
    adopt: adoptAll,
    learn,
    resumed: () => {
      // The core has said its last words. What is stored is adopted like any dead page's, by whoever comes first.
      life++;
      // Before what it holds is announced: nothing of it may be sent.
      if (page.read(Key.Consent) === 'denied') page.heard(Key.Consent, 'denied');
      page.core = undefined;
      renew();
      page.cold.clear();
      const kept = page.streams.filter(({ stored, bodies }) => !stored && bodies.size);
      page.streams = [];
      live(kept).catch(() => {});
    },
    tell,
  };
  await live([]);
};
