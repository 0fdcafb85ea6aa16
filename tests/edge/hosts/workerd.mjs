/** The Cloudflare worker as it is deployed, in workerd by miniflare. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Log, LogLevel, Miniflare } from 'miniflare';

export const DIST = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../edge-worker/cloudflare/dist');

/** What Cloudflare would say of where the sender is. */
const CF = { country: 'NL', region: 'North Holland', regionCode: 'NH', city: 'Amsterdam', timezone: 'Europe/Amsterdam' };

/** The runtime by itself; `persist` names a folder that outlives it. */
export const runtime = async ({ sites, bridge, key, persist = false, port = 0 }) => {
  const modules = [
    { type: 'ESModule', path: path.join(DIST, 'worker.js') },
    { type: 'CompiledWasm', path: path.join(DIST, 'worker.wasm') },
  ];
  const options = {
    name: 'headwater',
    modules: modules.map((module) => ({ ...module, contents: readFileSync(module.path) })),
    modulesRoot: DIST,
    compatibilityDate: '2026-03-01',
    host: '127.0.0.1',
    port,
    cf: CF,
    log: new Log(LogLevel.NONE),
    handleRuntimeStdio: (out, err) => (out.resume(), err.resume()),
    bindings: { BRIDGE_URL: bridge, BRIDGE_KEY: key },
    kvNamespaces: ['SITES'],
    durableObjects: { SHARDS: { className: 'Shard', useSQLite: true } },
    durableObjectsPersist: persist,
  };
  const miniflare = new Miniflare(options);
  const kv = await miniflare.getKVNamespace('SITES');
  await kv.put('sites.json', sites);
  return { miniflare, address: String(await miniflare.ready).replace(/\/$/, '') };
};

export const workerd = {
  name: 'workerd',
  start: async (options) => {
    const { miniflare, address } = await runtime(options);
    return { address, stop: () => miniflare.dispose() };
  },
};
