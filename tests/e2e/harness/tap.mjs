/** Tracks `count` events in `page`, each in a task of its own, as clicks are: a journal entry each. */
export const tap = (page, count, name = 'tap') =>
  page.evaluate(
    async ([count, name]) => {
      for (let n = 0; n < count; n++) {
        window.headwater.track(name, { n });
        await new Promise((next) => setTimeout(next));
      }
    },
    [count, name],
  );
