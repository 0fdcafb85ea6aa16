/** Ten thousand calls of a page that means no good: none throws, and the server can account for each. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { torment } from '../harness/hostile.mjs';
import { dice, seed, showSeed } from '../harness/random.mjs';
import { until } from '../harness/until.mjs';
import { startWorld } from '../harness/world.mjs';

const CALLS = 10_000;

let world;
before(async () => {
  showSeed();
  world = await startWorld();
});
after(() => world?.stop());

test(`of ${CALLS} random calls, hostile ones among them, each is counted, or named, or refused with its reason`, async () => {
  const visitor = await world.visitor();
  const page = await visitor.open();
  const { accepted, invalid, consent, threw, errors } = await page.evaluate(
    ([torment, argument]) => (0, eval)(`(${torment})`)(argument),
    [`${torment}`, { seed, calls: CALLS, dice: `${dice}` }],
  );
  assert.deepEqual(threw, [], `seed ${seed}`);
  assert.deepEqual(errors, [], `seed ${seed}`);
  const expected = { known: accepted, invalid, consent };
  await until(
    `${JSON.stringify(expected)}, seed ${seed}`,
    async () => {
      const { total } = await world.server.delivery(visitor.key);
      const { known, counted, lost, refused } = total;
      const named = Object.values(lost).reduce((a, b) => a + b, 0);
      if (known !== accepted || known !== counted + named) throw Error(JSON.stringify(total));
      if (refused.invalid !== invalid || (refused.consent ?? 0) !== consent) throw Error(JSON.stringify(total));
      return total.in_flight === 0 && total.unexplained === 0;
    },
    120_000,
  );
  assert.deepEqual(visitor.errors, [], `seed ${seed}`);
});
