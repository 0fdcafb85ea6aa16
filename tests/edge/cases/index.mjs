/**
 * The contract, as data. A case:
 *
 *     name
 *     send: (me) => { method, path, headers, body }   POST /collect unless it says otherwise
 *     expect: { status, headers, body | begins | json }   headers: text, a pattern, or undefined for "absent"
 *     records, ledger: (me) => […]   what reaches the bridge, in order: each a part of a record
 *     later: (me) => […]             the same, but it may take a while, and the bridge is well again
 *     check: ({ records, requests, me }, assert)   whatever else must hold
 *     before: (me) => […]            requests before it; healed: the fault is over after them
 *     fault                          of the door before the bridge (harness/bridge.mjs)
 *     eventually                     tried until it holds: what comes before is remembered a moment after its answer
 *     not: { host: reason }          where it does not apply, and why
 */
import { accepted } from './accepted.mjs';
import { behind } from './behind.mjs';
import { refusals } from './refused.mjs';

export const cases = [...accepted, ...refusals, ...behind];
