/**
 * The core's border: functions of 32-bit numbers. `sdk-web/src/abi.rs` and `sdk-core/src/client/effect.rs` are the other
 * side of these tables. A session id is four numbers, a time (Unix ms) two: see `halves`.
 */

/** What is told, with its arguments in order. */
export const enum Input {
  /** stream */
  Adopted = 1,
  /** stream, seq, bytes, ts */
  Appended,
  /** request, status (0: no answer), hw-ack and Retry-After in ms (or `NONE`), hw-time (0: none) */
  Answered,
  /** purpose, decision: 0 denied, 1 granted */
  Consent,
  Flush,
  /** stream, seq, bytes, ts */
  Found,
  /** stream, from, to, reason */
  FoundLoss,
  /** stream, from, session id */
  FoundStamp,
  /** until */
  Gate,
  /** stream, from, to */
  Gone,
  Hidden,
  /** 0 or 1 */
  Online,
  /** stream, purpose, lane */
  Opened,
  /** record */
  Recorded,
  Reset,
  /** session id, first event, latest event */
  SessionChanged,
  /** stream, done, head, purpose, lane */
  StreamFound,
  Terminating,
  Timeout,
  Visible,
  /** stream */
  Closed,
  Erase,
  /** stream, verdict, calls so far */
  Refused = 24,
  /** sample, calls per minute, flush ms, queue bytes, stop ms */
  Settings,
  /** the same */
  SettingsChanged,
  /** the first 32 bits of the client id */
  Visitor,
  /** bytes */
  Room,
}

/**
 * What is to be done, with its arguments in order: the core's own memory of it, where a time begins at an even place
 * (`_` is a gap).
 */
export const enum Effect {
  /** Nothing until `_`, the instant given (two halves of `performance.now()`; `NONE`: until the next input). */
  None = 0,
  /** stream, from, to */
  Forget,
  /** record, stream */
  ForgetRecord,
  /** stream */
  ForgetStream,
  /** record, stream, from, to, reason */
  Record,
  /** `_`, until */
  SaveGate,
  /** `_`, session id, first event, latest event */
  SaveSession,
  /** request, stream, transport */
  Send,
  /** stream, from, session id */
  Stamp,
  /** verdict, until */
  Refuse,
  /** sample, calls per minute, flush ms, queue bytes, stop ms */
  SaveSettings,
  Erase,
  /** No call is refused any more. */
  Accept,
}

export const enum Transport {
  Beacon = 0,
  Fetch,
  Keepalive,
}

/** Why a call is refused. */
export const enum Refusal {
  Consent = 1,
  Invalid,
  Plugin,
  RateCap,
  Sampled,
  Stopped,
  Waiting,
}

/** The reason `storage` of the loss ledger; the other numbers only pass through. */
export const STORAGE = 7;

/** Stands for a number that is missing. */
export const NONE = 2 ** 32 - 1;

/** A time as two numbers, the lower half first. WebAssembly takes the lower 32 bits of each by itself. */
export const halves = (time: number): [number, number] => [time, time / 2 ** 32];

export const whole = (low: number, high: number): number => high * 2 ** 32 + low;

/** Numbers as stored. */
export const numbers = (text: string): number[] => text.split(',').map(Number);

export interface Exports {
  memory: WebAssembly.Memory;
  /** Draws the client from 256 random bits, before anything is told. */
  start(a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number): void;
  /** Tells something; arguments that it has not are left out. */
  input(now: number, unix: number, kind: Input, ...args: number[]): void;
  /** Where the next effect lies: a kind and up to nine arguments, as u32. */
  poll(): number;
  /** Where a request lies: address and length of its template, address and count of its seqs, as u32. */
  request(request: number): number;
  /** All events of the stream below it are settled by an acknowledgement. */
  done(stream: number): number;
}
