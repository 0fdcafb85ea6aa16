/** The second half of the shell: brings the core, and does what it says. */

import { adopt, announce } from './adopt';
import { ROOM, newCold } from './cold';
import { forget, forgetNote, forgetStream, note, noteLoss, renew, reserve } from './notes';
import { Key } from './shared';
import { send, settingsOf, splice } from './transport';
import type { Page, Stream, Tell } from './types';
import { Effect, Input, NONE, Refusal, Transport, begin, instantiate, numbers, whole } from './wasm';

/** Longest wait a browser's timer can hold is 2^31 ms; the core asks again. */
const LONGEST_WAIT_MS = 1e9;

/** No time that ends comes after it, Unix ms. */
const NEVER = 1e15;

/** What the core shares with the other tabs and later pages is stored as the eight numbers of the effect. */
const SAVED: Record<number, Key> = {
  [Effect.SaveGate]: Key.Gate,
  [Effect.SaveSession]: Key.Session,
  [Effect.SaveSettings]: Key.Settings,
};

/** And told as an input of the same numbers. */
const LEARNED: Record<string, Input> = {
  [Key.Gate]: Input.Gate,
  [Key.Session]: Input.SessionChanged,
  [Key.Settings]: Input.SettingsChanged,
};

type Arguments = [number, number, number, number, number, number, number, number];

export const start = async (page: Page, url: string | URL): Promise<void> => {
  const wasm = await instantiate(url);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = Infinity;
  let polling = false;
  let failed = false;
  /** Lives of the page: one more each time it returns from the back/forward cache. */
  let life = 0;

  /** Nothing here may reach the page as an error. Should the core fail, the shell goes on as if it had not come. */
  const tell: Tell = (kind, ...args) => {
    if (failed) return;
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
      failed = true;
      page.core = undefined;
    }
  };

  const cold = newCold(page, tell);

  /** Memory may grow, and its buffer change, while the core writes: ask for the address first. */
  const effect = (): [Effect, ...Arguments] => {
    const address = wasm.poll();
    return [...new Uint32Array(wasm.memory.buffer, address, 9)] as [Effect, ...Arguments];
  };

  const obey = (effect: Effect, ...args: Arguments): boolean => {
    const [a, b, c, d, e] = args;
    page.spy?.sees(effect, args, wasm);
    const stream = (no: number) => page.streams[no]!;
    switch (effect) {
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
        wake(a === NONE ? Infinity : whole(a, b));
        return false;
      case Effect.Record:
        // If it cannot be written the events stay, and an adopter decides anew.
        if (noteLoss(page, stream(b), `r${a}`, [c, d, e])) tell(Input.Recorded, a);
        break;
      case Effect.Refuse:
        // Another tab may have heard that the site is gone, for good.
        if (!(page.refusal[1]! > NEVER)) refuse(`${a},${whole(b, c)}`);
        break;
      case Effect.Send:
        transmit(a, stream(b), c);
        break;
      case Effect.Stamp:
        note(page, stream(a), `s${b}`, args.slice(1, 6));
        break;
      default:
        page.write(SAVED[effect]!, `${args}`);
    }
    return true;
  };

  const refuse = (text: string): void => {
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
    send(page, stream, text, transport !== Transport.Fetch).then(([answer, { erase, settings }]) => {
      // Of an earlier life: whoever adopted the stream asks again.
      if (asked !== life) return;
      tell(Input.Answered, request, ...answer);
      if (settings) tell(Input.Settings, ...settingsOf(settings));
      if (erase === true) tell(Input.Erase);
    });
  };

  const learn = (key: string, text: string): void => {
    const args = numbers(text);
    if (key === Key.Settings) {
      // A stop began when the answer came, not now: it goes on for what is left of it.
      const [verdict, until = 0] = page.refusal;
      const left = until - page.now();
      args[4] = verdict === Refusal.Stopped && left > 0 && left < NONE ? left : 0;
    }
    if (key in LEARNED && args.length === 8 && args.every((n) => n >= 0)) tell(LEARNED[key]!, ...args);
  };

  const adoptAll = (): void => {
    adopt(page, cold, tell).catch(() => {});
  };

  /** A client that knows of nothing learns what holds. */
  const greet = (): void => {
    // As much as a cold store has room for, until there turns out to be none.
    if (page.area) tell(Input.Room, ROOM);
    for (const key in LEARNED) page.heard(key, page.read(key));
    page.greet();
  };

  page.core = {
    adopt: adoptAll,
    learn,
    resumed: () => {
      // The core has said its last words. What is stored is adopted like any dead page's, by whoever comes first.
      life++;
      begin(wasm);
      renew();
      page.cold.clear();
      const kept = page.streams.filter(({ stored, bodies }) => !stored && bodies.size);
      page.streams = [];
      greet();
      for (const stream of kept) {
        const [done] = stream.bodies.keys();
        announce(page, { ...stream, done: done! }, tell);
      }
      adoptAll();
    },
    tell,
  };
  reserve(page);
  greet();
  adoptAll();
};
