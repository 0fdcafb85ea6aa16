/**
 * A real Chromium whose pages ask what to do next (`/steered` of the site), each under a name of its own. No debugger is
 * attached to them, for with one Chromium prerenders nothing, and takes every tab for one that is looked at.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { FLAGS, PROGRAM } from './browser.mjs';
import { Channel } from './channel.mjs';
import { until } from './until.mjs';

export const startSteered = async (site) => {
  /** By the page's name. */
  const channels = new Map();
  const channel = (name) => {
    if (!channels.has(name)) channels.set(name, new Channel());
    return channels.get(name);
  };
  const server = http.createServer((request, response) => channel(request.url.slice(1)).hear(request, response));
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const steer = `http://127.0.0.1:${server.address().port}`;
  const address = (name) => `${site.address}/steered?${name}#${encodeURIComponent(`${steer}/${name}`)}`;
  const profile = mkdtempSync(path.join(tmpdir(), 'headwater-steered-'));
  // `chrome://discards` is for developers of browsers, who say so.
  writeFileSync(path.join(profile, 'Local State'), '{"internal_only_uis_enabled":true}');
  const flags = [...FLAGS, '--headless=new', '--remote-debugging-pipe', `--user-data-dir=${profile}`];
  const child = spawn(PROGRAM, [...flags, address('first')], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const devtools = speak(child.stdio[3], child.stdio[4]);
  const page = async (name) => {
    const { targetInfos } = await devtools('Target.getTargets');
    const { targetId } = targetInfos.find(({ url }) => url.startsWith(`${site.address}/steered?${name}#`));
    return targetId;
  };
  const attached = async (targetId, act) => {
    const { sessionId } = await devtools('Target.attachToTarget', { targetId, flatten: true });
    const result = await act((method, params) => devtools(method, params, sessionId));
    await devtools('Target.detachFromTarget', { sessionId });
    return result;
  };
  return {
    address,
    /** A tab before the others, which are then hidden. */
    open: (name) => devtools('Target.createTarget', { url: address(name) }),
    /** Brings a tab to the front; one that was discarded is loaded again. */
    show: async (name) => devtools('Target.activateTarget', { targetId: await page(name) }),
    /** Freezes a hidden tab, as Chromium does with those that nobody looks at for long; or wakes it. */
    freeze: async (name, frozen = true) =>
      attached(await page(name), (session) =>
        session('Page.setWebLifecycleState', { state: frozen ? 'frozen' : 'active' }),
      ),
    /** Takes a hidden tab's page away, as Chromium does when memory is short. */
    discard: async (name) => {
      const { targetId } = await devtools('Target.createTarget', { url: 'chrome://discards' });
      await attached(targetId, (session) =>
        until(`${name} is discarded`, async () => {
          const { result } = await session('Runtime.evaluate', { expression: `(${urgentDiscard})(${JSON.stringify(name)})` });
          return result.value;
        }),
      );
      await devtools('Target.closeTarget', { targetId });
    },
    /** Runs a function of the test in the page of this name, once it asks. */
    run: (name, code, argument) => channel(name).evaluate(code, argument),
    stop: async () => {
      const ended = new Promise((end) => child.once('exit', end));
      child.kill('SIGTERM');
      await ended;
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      // Its processes end one after the other.
      await until('the profile is gone', () => (rmSync(profile, { recursive: true, force: true }), true));
    },
  };
};

/** In `chrome://discards`: presses the button in the row of the tab of this title. True once it is discarded. */
const urgentDiscard = (title) => {
  const all = (root) => [...root.querySelectorAll('*')].flatMap((one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
  const row = all(document).find((one) => one.tagName === 'TR' && one.querySelector('.title-cell')?.textContent.trim() === title);
  if (!row) return false;
  const state = row.innerText;
  if (/\bdiscarded\b/.test(state)) return true;
  [...row.querySelectorAll('*')].find((one) => !one.children.length && one.textContent.trim() === '[Urgent Discard]')?.click();
  return false;
};

/** The DevTools protocol over a pipe: texts that end with NUL. */
const speak = (to, from) => {
  const waiting = new Map();
  let buffer = '';
  from.on('data', (chunk) => {
    const texts = (buffer + chunk).split('\0');
    buffer = texts.pop();
    for (const text of texts) {
      const { id, result, error } = JSON.parse(text);
      const [done, failed] = waiting.get(id) ?? [];
      if (error) failed?.(Error(error.message));
      else done?.(result);
    }
  });
  return (method, params, sessionId) =>
    new Promise((done, failed) => {
      const id = waiting.size + 1;
      waiting.set(id, [done, failed]);
      to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
};
