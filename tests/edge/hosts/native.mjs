/** `headwater-collector`, the native server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { programOf, start } from '../harness/program.mjs';

export const native = {
  name: 'native',
  start: async ({ sites, bridge, key }) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'headwater-edge-'));
    const config = path.join(folder, 'sites.json');
    writeFileSync(config, sites);
    const program = await start(
      [programOf('HEADWATER_COLLECTOR_BIN'), '--listen', '127.0.0.1:0', '--bridge', bridge, '--sites', config],
      { ready: /listening on (http:\/\/\S+)/, env: { HEADWATER_BRIDGE_KEY: key } },
    );
    return {
      address: program.address,
      stop: async () => {
        await program.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};
