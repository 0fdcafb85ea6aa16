/** Every case of the contract on every host, before a real bridge. HEADWATER_HOSTS names some of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { until } from '../e2e/harness/until.mjs';
import { SITES, native, newcomer } from './cases/bodies.mjs';
import { cases } from './cases/index.mjs';
import { KEY, startBridge, startDoor } from './harness/bridge.mjs';
import { isLike } from './harness/like.mjs';
import { send } from './harness/request.mjs';
import { HOSTS } from './hosts/index.mjs';

for (const host of HOSTS) {
  describe(host.name, () => {
    let bridge, door, running;
    before(async () => {
      bridge = await startBridge();
      door = await startDoor(bridge);
      running = await host.start({ sites: SITES, bridge: door.address, key: KEY });
    });
    after(async () => {
      await running?.stop();
      await door?.stop();
      await bridge?.stop();
    });

    /** After a refusal the collector asks no more for as long as the bridge said. */
    const healed = () =>
      until('the bridge is asked again', async () => {
        const me = newcomer();
        const { status } = await send(running.address, { body: native(me) });
        return status === 204;
      });

    const run = async (one, me) => {
      door.fault = one.fault;
      for (const request of one.before?.(me) ?? []) await send(running.address, request);
      if (one.healed) door.fault = undefined;
      const earlier = one.eventually ? door.requests.length : 0;
      const answer = await send(running.address, one.send(me));
      if (one.later) door.fault = undefined;
      expectAnswer(answer, one.expect, me);
      const mine = () => bridge.records().filter((record) => record.client_id === me.client);
      const split = () => ({
        records: mine().filter((record) => record.event_type !== '$ledger'),
        ledger: mine().filter((record) => record.event_type === '$ledger'),
      });
      if (one.later) {
        const all = one.later(me);
        await until('what was kept reaches the bridge', () => split().records.length >= all.length);
        isLike(split().records, all, 'records');
      }
      for (const kind of ['records', 'ledger']) if (one[kind]) isLike(split()[kind], one[kind](me), kind);
      // Of what an outbox sends meanwhile, nothing is ours.
      const requests = door.requests.slice(earlier).filter(({ body }) => body.includes(me.client));
      one.check?.({ ...split(), requests, me }, assert);
    };

    for (const one of cases) {
      const skip = one.not?.[host.name] ? `not here: ${one.not[host.name]}` : false;
      test(one.name, { skip }, async () => {
        door.fault = undefined;
        await healed();
        door.requests.length = 0;
        const me = newcomer();
        if (!one.eventually) return run(one, me);
        for (const request of one.before(me)) await send(running.address, request);
        return until(one.name, async () => (await run({ ...one, before: undefined }, me), true));
      });
    }
  });
}

const expectAnswer = (answer, { status, headers = {}, body, begins, json }, me) => {
  const text = answer.body.toString('latin1');
  assert.equal(answer.status, status, `${answer.status} ${text.slice(0, 300)}`);
  for (const [name, value] of Object.entries(headers)) {
    const got = answer.headers[name];
    if (value instanceof RegExp) assert.match(got ?? '', value, name);
    else assert.equal(name === 'vary' ? got?.toLowerCase() : got, name === 'vary' ? value.toLowerCase() : value, name);
  }
  if (body !== undefined) assert.equal(text, body);
  if (begins !== undefined) assert.ok(text.startsWith(begins), text);
  if (json) isLike(JSON.parse(answer.body), json(me), 'body');
};
