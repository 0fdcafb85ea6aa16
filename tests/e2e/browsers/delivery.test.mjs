/** Every event is counted once, or named, in every browser: the same scenarios, in a world that they share. */
import { after, before, test } from 'node:test';

import { BROWSER } from '../harness/browser.mjs';
import { showSeed } from '../harness/random.mjs';
import * as leaving from './leaving.mjs';
import * as network from './network.mjs';
import * as storage from './storage.mjs';
import { startWorld } from './world.mjs';

let world;
before(async () => {
  showSeed();
  world = await startWorld();
});
after(() => world?.stop());

for (const { scenarios } of [network, storage, leaving]) {
  for (const [name, run] of Object.entries(scenarios)) {
    test(`${BROWSER}: ${name}`, { timeout: 240_000 }, async () => run(await world.visitor(), world));
  }
}
