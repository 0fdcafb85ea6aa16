/** What requests carried. */

/** Batches that carried events, one per stream, in the order of their first event. */
export const streams = (requests) => {
  const found = new Map();
  for (const { batches } of requests) {
    for (const batch of batches) {
      if (!batch.events.length) continue;
      const known = found.get(batch.stream) ?? { ...batch, events: new Map() };
      for (const event of batch.events) known.events.set(event.seq, event);
      found.set(batch.stream, known);
    }
  }
  const first = (stream) => Math.min(...[...stream.events.values()].map((event) => event.ts));
  return [...found.values()].sort((a, b) => first(a) - first(b));
};

/** All events, each once, by stream. */
export const events = (requests) => streams(requests).flatMap((stream) => [...stream.events.values()]);
