/** Starts the real `headwater serve` (its path in HEADWATER_BIN) and asks its API. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const READY = /listening on (http:\/\/\S+)/;
const READY_MS = 30_000;

/** `more` goes behind its other arguments. */
export const startServer = async (more = []) => {
  const binary = process.env.HEADWATER_BIN;
  if (!binary) throw Error('HEADWATER_BIN must name the headwater binary');
  const data = mkdtempSync(path.join(tmpdir(), 'headwater-e2e-'));
  const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data', data, '--open', ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  const address = await new Promise((found, failed) => {
    const timer = setTimeout(() => failed(Error(`the server is not ready: ${output}`)), READY_MS);
    const read = (chunk) => {
      output += chunk;
      const ready = READY.exec(output);
      if (!ready) return;
      clearTimeout(timer);
      found(ready[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => failed(Error(`the server ended with ${code}: ${output}`)));
    child.on('error', failed);
  });
  return {
    address,
    stop: async () => {
      const ended = new Promise((end) => child.once('exit', end));
      child.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      rmSync(data, { recursive: true, force: true });
    },
    /** The rows of a report over yesterday to tomorrow. */
    report: async (site, metric, groupBy) => {
      const day = (shift) => new Date(Date.now() + shift * 86_400_000).toISOString().slice(0, 10);
      const query = new URLSearchParams({ metric, from: day(-1), to: day(1) });
      if (groupBy) query.set('group_by', groupBy);
      return (await ask(`${address}/api/v1/analytics/${site}/report?${query}`)).data;
    },
    delivery: async (site) => ask(`${address}/api/v1/analytics/${site}/delivery`),
  };
};

const ask = async (url) => {
  const answer = await fetch(url);
  const text = await answer.text();
  if (!answer.ok) throw Error(`${url}: ${answer.status} ${text}`);
  return JSON.parse(text);
};
