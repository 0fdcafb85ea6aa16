/** The second half of the shell: brings the core, tells it what happens and does what it says. */

import { adopt, announce } from './adopt';
import { bytes, tsOf } from './event';
import { forget } from './hot_log';
import { forgetNote, forgetStream, note } from './notes';
import { GATE, SESSION } from './shared';
import { read, write } from './storage';
import { send, splice } from './transport';
import type { Page, Stream } from './types';
import { Effect, Input, NONE, Transport, begin, halves, instantiate, whole } from './wasm';

/** Longest wait a browser's timer can hold is 2^31 ms; the core asks again. */
const LONGEST_WAIT_MS = 1e9;

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
  const tell = (kind: Input, ...args: number[]): void => {
    if (failed) return;
    try {
      wasm.input(performance.now(), Date.now(), kind, ...args);
      if (polling) return;
      polling = true;
      while (obey(...effect()));
      polling = false;
    } catch {
      failed = true;
      page.core = undefined;
    }
  };

  /** Memory may grow, and its buffer change, while the core writes: ask for the address first. */
  const effect = (): [Effect, ...Arguments] => {
    const address = wasm.poll();
    return [...new Uint32Array(wasm.memory.buffer, address, 9)] as [Effect, ...Arguments];
  };

  const obey = (effect: Effect, ...args: Arguments): boolean => {
    const [a, b, c, d, e] = args;
    const stream = (no: number) => page.streams[no]!;
    switch (effect) {
      case Effect.Forget:
        forget(page, stream(a), b, c);
        break;
      case Effect.ForgetRecord:
        forgetNote(page, stream(b), `r${a}`);
        break;
      case Effect.ForgetStream:
        forgetStream(page, stream(a));
        break;
      case Effect.Record:
        note(page, stream(b), `r${a}`, [c, d, e]);
        tell(Input.Recorded, a);
        break;
      case Effect.SaveGate:
        write(page, GATE, `${whole(a, b)}`);
        break;
      case Effect.SaveSession:
        write(page, SESSION, JSON.stringify(args));
        break;
      case Effect.Send:
        transmit(a, stream(b), c);
        break;
      case Effect.Stamp:
        note(page, stream(a), `s${b}`, args.slice(1, 6));
        break;
      case Effect.Stop:
        page.stopped = true;
        break;
      default:
        wake(a === NONE ? Infinity : whole(a, b));
        return false;
    }
    return true;
  };

  /** Wakes the core at this instant of `performance.now()`. Most events change nothing about it. */
  const wake = (at: number): void => {
    if (at === due) return;
    due = at;
    clearTimeout(timer);
    if (at === Infinity) return;
    const wait = Math.ceil(Math.max(0, at - performance.now()));
    timer = setTimeout(() => {
      due = Infinity;
      tell(Input.Timeout);
    }, Math.min(wait, LONGEST_WAIT_MS));
  };

  const transmit = (request: number, stream: Stream, transport: Transport): void => {
    const at = wasm.request(request);
    const [address, length, seqs, count] = new Uint32Array(wasm.memory.buffer, at, 4);
    const template = new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, address, length));
    const bodies = [...new Uint32Array(wasm.memory.buffer, seqs, count)].map((seq) => stream.bodies.get(seq)!);
    const text = splice(template, page, stream, bodies, Date.now());
    const asked = life;
    if (transport === Transport.Beacon) navigator.sendBeacon(page.endpoint, text);
    else {
      send(page, text, transport === Transport.Keepalive).then((answer) => {
        // Of an earlier life: whoever adopted the stream asks again.
        if (asked === life) tell(Input.Answered, request, ...answer);
      });
    }
  };

  const session = (text: string | null): void => {
    try {
      const numbers: number[] = JSON.parse(text!);
      if (numbers.length === 8) tell(Input.SessionChanged, ...numbers);
    } catch {
      // There is none, or it is not ours.
    }
  };

  const gate = (text: string | null): void => {
    if (text) tell(Input.Gate, ...halves(+text || 0));
  };

  const adoptAll = (): void => {
    adopt(page, tell).catch(() => {});
  };

  const visible = (): void => {
    tell(document.hidden ? Input.Hidden : Input.Visible);
    if (!document.hidden) adoptAll();
  };

  const core = {
    appended: (stream: Stream, seq: number): void => {
      const body = stream.bodies.get(seq)!;
      tell(Input.Appended, stream.no, seq, bytes(body), ...halves(tsOf(body)));
    },
    consent: (granted: boolean): void => {
      tell(Input.Consent, 0, +granted);
      // Who denies also answers for the pages that are gone.
      if (!granted) adoptAll();
    },
    done: (stream: Stream): number => wasm.done(stream.no),
    flush: (): void => tell(Input.Flush),
    opened: (stream: Stream): void => {
      if (stream.fresh) tell(Input.Reset);
      tell(Input.Opened, stream.no);
    },
    resumed: (): void => {
      // The core has said its last words. What is stored is adopted like any dead page's, by whoever comes first.
      life++;
      begin(wasm);
      const kept = page.streams.filter(({ stored, bodies }) => !stored && bodies.size);
      page.streams = [];
      greet();
      if (page.verdict === 'denied') tell(Input.Consent, 0, 0);
      for (const stream of kept) {
        const [done] = stream.bodies.keys();
        announce(page, { ...stream, no: page.streams.length }, done!, tell);
      }
      adoptAll();
    },
    terminating: (): void => tell(Input.Terminating),
  };

  const greet = (): void => {
    session(read(page, SESSION));
    gate(read(page, GATE));
    if (!navigator.onLine) tell(Input.Online, 0);
    if (document.hidden) tell(Input.Hidden);
  };

  // What happened before the core was there. From here to its being there nothing else can happen.
  greet();
  let denied = page.verdict === 'denied' || page.streams.some((stream) => stream.purged);
  if (denied) tell(Input.Consent, 0, 0);
  for (const stream of page.streams) {
    if (denied && !stream.purged) tell(Input.Consent, 0, 1);
    denied &&= stream.purged;
    core.opened(stream);
    for (const seq of stream.bodies.keys()) core.appended(stream, seq);
  }
  if (denied && page.verdict === 'granted') tell(Input.Consent, 0, 1);
  page.core = core;

  addEventListener('online', () => tell(Input.Online, 1));
  addEventListener('offline', () => tell(Input.Online, 0));
  addEventListener('storage', ({ key, newValue }) => {
    if (key === page.prefix + SESSION) session(newValue);
    if (key === page.prefix + GATE) gate(newValue);
  });
  document.addEventListener('visibilitychange', visible);
  adoptAll();
};
