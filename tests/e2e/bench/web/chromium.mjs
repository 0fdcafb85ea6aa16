/**
 * A real Chromium (its path in HEADWATER_CHROMIUM), spoken to by the DevTools protocol over a pipe and nothing else:
 * Playwright watches network, console and lifecycle of each page, which costs the very thread that is measured.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const CHROMIUM = process.env.HEADWATER_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-client-side-phishing-detection',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-extensions',
  '--disable-sync',
  '--password-store=basic',
  '--use-mock-keychain',
];
const STOP_MS = 5_000;
/** Longest that a command may take: bursts of slow SDKs on a busy machine need minutes, a lost answer never comes. */
const COMMAND_MS = 300_000;
const START_MS = 60_000;

/** Everything but loopback goes to `proxy`, which lets nothing out. */
export const startChromium = async (proxy) => {
  const profile = mkdtempSync(path.join(tmpdir(), 'headwater-bench-'));
  const child = spawn(
    CHROMIUM,
    [...FLAGS, `--proxy-server=${proxy}`, '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const [, , , to, from] = child.stdio;
  const waiting = new Map();
  const listeners = new Map();
  let last = 0;
  let rest = '';
  let over;
  const end = (why) => {
    over = Error(`Chromium ended: ${why}`);
    for (const { reject } of waiting.values()) reject(over);
    waiting.clear();
  };
  child.on('error', (error) => end(error.message));
  child.on('exit', (code, signal) => end(code ?? signal));
  to.on('error', () => {});
  from.setEncoding('utf8').on('data', (chunk) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop();
    for (const message of messages) {
      const { id, sessionId, method, params, result, error } = JSON.parse(message);
      if (method) listeners.get(`${sessionId}:${method}`)?.(params);
      const asked = waiting.get(id);
      if (!asked) continue;
      waiting.delete(id);
      clearTimeout(asked.timer);
      if (error) asked.reject(Error(`${asked.method}: ${error.message}`));
      else asked.resolve(result);
    }
  });
  const send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      if (over) return reject(over);
      const id = ++last;
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(Error(`${method}: no answer`));
      }, COMMAND_MS).unref();
      waiting.set(id, { method, resolve, reject, timer });
      to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });

  return {
    version: async () => (await send('Browser.getVersion')).product,
    /** A visitor: storage, cache and processes of their own. */
    visitor: async () => {
      const { browserContextId } = await send('Target.createBrowserContext');
      return {
        open: async (url) => {
          const page = await openTab(send, listeners, browserContextId);
          await page.goto(url);
          return page;
        },
        leave: () => send('Target.disposeBrowserContext', { browserContextId }),
      };
    },
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      send('Browser.close').catch(() => {});
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

const openTab = async (send, listeners, browserContextId) => {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const ask = (method, params) => send(method, params, sessionId);
  await ask('Performance.enable');
  const page = {
    ask,
    on: (method, listener) => listeners.set(`${sessionId}:${method}`, listener),
    /** Returns when the page says `window.started`. */
    goto: async (url) => {
      const { errorText } = await ask('Page.navigate', { url });
      if (errorText) throw Error(`${url}: ${errorText}`);
      if (url !== 'about:blank') await started(ask, url);
    },
    /** Calls a function of this file's world in the page's, and returns what it resolves to. */
    run: async (work, ...args) => {
      const expression = `(${work})(...${JSON.stringify(args)})`;
      const answer = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      const { exceptionDetails: failed, result } = answer;
      if (failed) throw Error(failed.exception?.description ?? failed.text);
      return result.value;
    },
    front: () => ask('Page.bringToFront'),
    /** CPU time of the page's main thread so far, in µs. */
    cpu: async () => {
      const { metrics } = await ask('Performance.getMetrics');
      return metrics.find(({ name }) => name === 'ThreadTime').value * 1e6;
    },
    close: () => send('Target.closeTarget', { targetId }),
  };
  return page;
};

/** Asks again and again: what is asked of a document that is about to be replaced may never be answered. */
const started = async (ask, url) => {
  const expression = `window.started === undefined ? '' : String(window.started.error?.stack ?? true)`;
  let state = '';
  for (const end = Date.now() + START_MS; !state; ) {
    if (Date.now() > end) throw Error(`${url} does not start`);
    const asked = ask('Runtime.evaluate', { expression, returnByValue: true }).catch(() => undefined);
    const late = new Promise((wake) => setTimeout(wake, 1_000));
    state = (await Promise.race([asked, late]))?.result.value;
    if (!state) await new Promise((wake) => setTimeout(wake, 10));
  }
  if (state !== 'true') throw Error(`${url}: ${state}`);
};
