/** Tracks `count` events in `page`, each in a task of its own, as clicks are: a journal entry each. `pad`: longer ones. */
export const tap = (page, count, name = 'tap', pad = 0) =>
  page.evaluate(
    async ([count, name, pad]) => {
      for (let n = 0; n < count; n++) {
        window.headwater.track(name, pad ? { n, text: 'x'.repeat(pad) } : { n });
        await new Promise((next) => setTimeout(next));
      }
    },
    [count, name, pad],
  );
