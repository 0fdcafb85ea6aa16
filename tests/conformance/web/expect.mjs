/** Compares what is seen with what is expected. */
import { isDeepStrictEqual } from 'node:util';

import { expand, match, nameOf } from './pattern.mjs';

export const requests = (world, expected) => {
  const seen = world.look();
  const bodies = () => seen.map(({ by, body }) => `${by} ${brief(body)}`).join('\n');
  if (seen.length !== expected.length)
    throw Error(`expected ${expected.length} requests, seen ${seen.length}:\n${bodies()}`);
  expected.forEach(({ as, by, batch, body }, at) => {
    const request = seen[at];
    request.name = as;
    try {
      if (by && by !== request.by) throw Error(`expected to leave by ${by}`);
      if (body) match(body, request.body, world.names);
      if (batch) match(batch, request.body.batches[0], world.names);
    } catch (error) {
      throw Error(`request ${at + 1}: ${error.message}\nseen:\n${bodies()}`);
    }
  });
};

export const storage = async (world, { device, events, lost, streams }) => {
  const journal = await world.journal(device);
  if (events) {
    same(
      'events of the journal',
      expand(events),
      [...journal.values()].flatMap((found) => [...found.events.values()].map(({ event }) => nameOf(event))),
    );
  }
  if (lost) {
    const named = [...journal.values()].flatMap((found) => found.lost);
    sameLosses(
      lost,
      named.flatMap(([stream, from, to, reason]) => numbers(from, to).map((seq) => [stream, seq, reason])),
      world.names,
    );
  }
  if (streams !== undefined && streams !== journal.size) {
    throw Error(`expected ${streams} streams in the journal, there are ${journal.size}: ${[...journal.keys()]}`);
  }
};

export const server = ({ books, names }, { counted, lost, ended, refused }) => {
  if (counted) same('counted', expand(counted), books.countedNames());
  if (refused && !isDeepStrictEqual(refused, books.refused())) {
    throw Error(`expected refused ${JSON.stringify(refused)}, seen ${JSON.stringify(books.refused())}`);
  }
  if (lost) {
    // An arrival takes a name back.
    const left = [...books.lost].filter(([event]) => !books.counted.has(event));
    sameLosses(
      lost,
      left.map(([event, reason]) => [event.split(' ')[0], Number(event.split(' ')[1]), reason]),
      names,
    );
  }
  if (ended) {
    const left = new Set(books.ended);
    for (const name of ended) {
      const id = names.get(name) ?? [...left].find((stream) => !names.hasValue(stream));
      if (!left.delete(id)) throw Error(`${name} did not end`);
      names.bind(name, id);
    }
    if (left.size) throw Error(`these ended too: ${[...left]}`);
  }
};

const same = (what, expected, seen) => {
  if (!isDeepStrictEqual([...expected].sort(), [...seen].sort()))
    throw Error(`expected ${what}: ${expected}; seen: ${seen}`);
};

const numbers = (from, to) => Array.from({ length: to - from }, (_, n) => from + n);

/** Compares losses; a name that stands for no stream yet is given to one with the same losses. */
const sameLosses = (expected, losses, names) => {
  const grouped = (list) => {
    const groups = new Map();
    for (const [stream, seq, reason] of list) {
      const key = `${stream} ${reason}`;
      groups.set(key, (groups.get(key) ?? new Set()).add(seq));
    }
    return [...groups].map(([key, seqs]) => [...key.split(' '), [...seqs].sort((a, b) => a - b)]);
  };
  const left = grouped(losses);
  const wanted = grouped(
    expected.flatMap(([name, from, to, reason]) => numbers(from, to).map((seq) => [name, seq, reason])),
  );
  for (const [name, reason, seqs] of wanted) {
    const bound = names.get(name);
    const at = left.findIndex(
      ([stream, why, found]) =>
        why === reason && (bound ? stream === bound : !names.hasValue(stream)) && isDeepStrictEqual(found, seqs),
    );
    if (at < 0) throw Error(`expected lost of ${name}: ${seqs} ${reason}; seen ${JSON.stringify(left)}`);
    names.bind(name, left[at][0]);
    left.splice(at, 1);
  }
  if (left.length) throw Error(`lost too: ${JSON.stringify(left)}`);
};

/** Without the padding of events, which nobody reads. */
const brief = (body) => JSON.stringify(body).replace(/x{4,}/g, 'xxx').slice(0, 4_000);
