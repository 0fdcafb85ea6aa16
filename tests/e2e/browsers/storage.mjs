/** The browser's storage fails. */

/** Fills what is left of localStorage. */
const fill = (page) =>
  page.evaluate(() => {
    for (let size = 1 << 22, n = 0; size; ) {
      try {
        localStorage.setItem(`filler${n}`, 'x'.repeat(size));
        n++;
      } catch {
        size >>= 1;
      }
    }
  });

export const scenarios = {
  'the storage is full before the first event': async (visitor, world) => {
    const page = await visitor.open();
    await fill(page);
    world.proxy.fault = (n) => (n < 2 ? '503' : undefined);
    await visitor.tap(page, 20);
    await visitor.settled(20);
  },

  'the storage fills up in the middle': async (visitor, world) => {
    world.proxy.fault = () => 'offline';
    const page = await visitor.open();
    await visitor.tap(page, 10);
    await fill(page);
    await visitor.tap(page, 10);
    world.proxy.fault = () => undefined;
    await visitor.settled(20);
  },

  'the page clears its storage, goes on, and is left': async (visitor, world) => {
    world.proxy.fault = () => 'offline';
    const page = await visitor.open();
    await visitor.tap(page, 10);
    await page.evaluate(() => localStorage.clear());
    await visitor.tap(page, 5);
    await visitor.goAway(page);
    world.proxy.fault = () => undefined;
    await visitor.load(page);
    await visitor.tap(page, 1);
    await visitor.settled(16);
  },

  'the page clears its storage, and sends what it still holds': async (visitor, world) => {
    world.proxy.fault = () => 'offline';
    const page = await visitor.open();
    await visitor.tap(page, 10);
    await page.evaluate(() => localStorage.clear());
    world.proxy.fault = () => undefined;
    await visitor.settled(10);
  },
};
