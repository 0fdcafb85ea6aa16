/** The customer's site: a page that loads the built package, on an origin of its own. */
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { SCRIPT } from './channel.mjs';

/** The built package; HEADWATER_DIST names another build of it. */
export const DIST =
  process.env.HEADWATER_DIST ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../sdk-web/dist');

const TYPES = { js: 'text/javascript', wasm: 'application/wasm' };

/**
 * The options of `init` are in the fragment of the address; `before` is code that runs before the script, `auto` says
 * how many events to track at once.
 */
const MODULE = `<!doctype html><meta charset=utf-8><title>shop</title><link rel=icon href=data:,><script>
const { before = '', auto = 0, ...options } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
if (before) (0, eval)(before);
</script><script type=module>
import * as headwater from '/sdk/headwater.js';
window.headwater = headwater;
headwater.init(options);
for (let n = 0; n < auto; n++) headwater.track('auto', { n });
window.started = true;
</script>`;

const CLASSIC = `<!doctype html><meta charset=utf-8><link rel=icon href=data:,>
<script src=/sdk/headwater.iife.js></script>
<script>
headwater.init(JSON.parse(decodeURIComponent(location.hash.slice(1))));
window.started = true;
</script>`;

const OTHER = '<!doctype html><meta charset=utf-8><title>other</title><link rel=icon href=data:,>';

/** Does what the test says (`steered.mjs`), and is called what it is asked for. */
const STEERED = `<!doctype html><meta charset=utf-8><link rel=icon href=data:,>${SCRIPT}<script type=module>
import * as headwater from '/sdk/headwater.js';
window.headwater = headwater;
document.title = location.search.slice(1);
</script>`;

/** The same with the package's build that never asks for WebAssembly. */
const withoutWasm = (page) => page.replace('/sdk/headwater.', '/sdk/headwater.nowasm.');

const PAGES = {
  '/classic': CLASSIC,
  '/classic-nowasm': withoutWasm(CLASSIC),
  '/nowasm': withoutWasm(MODULE),
  '/steered': STEERED,
  '/other': OTHER,
};

export const startSite = async () => {
  const site = {
    address: '',
    /** How long the wasm takes to arrive, ms. */
    wasmDelayMs: 0,
    /** Whether pages are cross-origin isolated, which gives them clocks of 5 µs instead of 100. */
    isolated: false,
    /** What each page begins with. */
    head: '',
    /** The Content-Security-Policy of each page. */
    policy: '',
    stop: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
  };
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, site.address);
    if (site.isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    if (!pathname.startsWith('/sdk/')) {
      response.setHeader('content-type', 'text/html');
      if (site.policy) response.setHeader('content-security-policy', site.policy);
      return response.end((PAGES[pathname] ?? MODULE).replace('<meta charset=utf-8>', `$&${site.head}`));
    }
    const delay = pathname.endsWith('.wasm') ? site.wasmDelayMs : 0;
    if (delay) await new Promise((wake) => setTimeout(wake, delay));
    try {
      const file = await readFile(path.join(DIST, path.basename(pathname)));
      response.setHeader('content-type', TYPES[pathname.split('.').pop()]);
      response.end(file);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  site.address = `http://127.0.0.1:${server.address().port}`;
  return site;
};
