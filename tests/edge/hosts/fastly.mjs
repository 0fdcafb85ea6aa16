/** The Fastly program in Viceroy, which is Fastly's own runtime for one's own machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { programOf, start } from '../harness/program.mjs';

/** A port that was free a moment ago: Viceroy does not say which one it took. */
const freePort = () =>
  new Promise((found) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

const toml = JSON.stringify;

export const fastly = {
  name: 'fastly',
  start: async ({ sites, bridge, key }) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'headwater-edge-'));
    const config = path.join(folder, 'fastly.toml');
    const host = new URL(bridge).host;
    writeFileSync(
      config,
      `manifest_version = 3
name = "headwater"
language = "rust"
[local_server.backends.bridge]
url = ${toml(bridge)}
override_host = ${toml(host)}
[local_server.config_stores.sites]
format = "inline-toml"
[local_server.config_stores.sites.contents]
"sites.json" = ${toml(sites)}
[[local_server.secret_stores.headwater]]
key = "BRIDGE_KEY"
data = ${toml(key)}
[local_server.geolocation]
format = "inline-toml"
[local_server.geolocation.addresses."127.0.0.1"]
as_name = "loopback"
as_number = 1
area_code = 0
city = "amsterdam"
conn_speed = "broadband"
conn_type = "wired"
continent = "EU"
country_code = "NL"
country_code3 = "NLD"
country_name = "netherlands"
latitude = 52.3
longitude = 4.9
metro_code = 0
postal_code = "1011"
proxy_description = "?"
proxy_type = "?"
region = "NH"
utc_offset = 100
`,
    );
    const address = `127.0.0.1:${await freePort()}`;
    const program = await start(
      [programOf('HEADWATER_VICEROY'), 'serve', '-C', config, '--addr', address, programOf('HEADWATER_FASTLY_WASM')],
      { ready: `http://${address}` },
    );
    return {
      address: program.address,
      pid: program.pid,
      stop: async () => {
        await program.kill();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};
