/**
 * Every scenario of the suite in Chromium, with the built package: with the wasm, and with the core as a script in a
 * browser without WebAssembly. `CONFORMANCE_ONLY=name` runs those of that name.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startBrowser } from '../../e2e/harness/browser.mjs';
import { startSite } from '../../e2e/harness/site.mjs';
import { UNKNOWN_TO_BROWSERS, optionsOf, step } from './verbs.mjs';
import { World } from './world.mjs';

const FOLDER = fileURLToPath(new URL('../scenarios/', import.meta.url));
const MEMBERS = ['title', 'not', 'setup', 'steps'];

const platform = {};
before(async () => ([platform.browser, platform.site] = await Promise.all([startBrowser(), startSite()])));
after(() => Promise.all([platform.browser?.close(), platform.site?.stop()]));

const run = async ({ title, steps }, options) => {
  const world = new World(platform, options);
  try {
    for (const [at, what] of steps.entries()) {
      try {
        await step(world, what);
      } catch (error) {
        throw Error(`${title}\nstep ${at + 1}: ${JSON.stringify(what)}\n${error.message}`, { cause: error });
      }
    }
  } finally {
    await world.stop();
  }
};

for (const file of readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .sort()) {
  const name = file.slice(0, -'.json'.length);
  if (process.env.CONFORMANCE_ONLY && !name.includes(process.env.CONFORMANCE_ONLY)) continue;
  const scenario = JSON.parse(readFileSync(FOLDER + file, 'utf8'));
  for (const member of Object.keys(scenario))
    if (!MEMBERS.includes(member)) throw Error(`${file}: no member ${member}`);
  const options = optionsOf(scenario.setup);
  const unknown = scenario.steps.map((what) => UNKNOWN_TO_BROWSERS[Object.keys(what)[0]]).find(Boolean);
  const skip = scenario.not?.web ?? unknown ?? (typeof options === 'string' ? options : false);
  for (const wasm of [true, false]) {
    test(wasm ? name : `${name}, without WebAssembly`, { skip, timeout: 120_000 }, () =>
      run(scenario, { ...options, wasm }),
    );
  }
}
