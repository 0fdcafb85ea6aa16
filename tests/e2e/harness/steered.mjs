/**
 * A real Chromium that no debugger is attached to: with one, it prerenders nothing. Its pages ask what to do next
 * (`/steered` of the site), each under a name of its own.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { FLAGS, PROGRAM } from './browser.mjs';
import { until } from './until.mjs';

const HEADERS = { 'access-control-allow-origin': '*' };
const ANSWER_MS = 30_000;

export const startSteered = async (site) => {
  /** By page: what is to be done there, and the request that waits for it. */
  const jobs = new Map();
  const asking = new Map();
  const answers = new Map();
  let count = 0;
  const hand = (name) => {
    const [job] = jobs.get(name) ?? [];
    if (!job || !asking.has(name)) return;
    jobs.get(name).shift();
    asking.get(name).writeHead(200, HEADERS).end(JSON.stringify(job));
    asking.delete(name);
  };
  const server = http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    if (pathname === '/next') {
      asking.set(searchParams.get('name'), response);
      return hand(searchParams.get('name'));
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(204, HEADERS).end();
    const { no, value, error } = JSON.parse(body);
    answers.get(no)?.(value, error);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const steer = `http://127.0.0.1:${server.address().port}`;
  const address = (name) => `${site.address}/steered?${name}#${encodeURIComponent(JSON.stringify({ steer, name }))}`;
  const profile = mkdtempSync(path.join(tmpdir(), 'headwater-steered-'));
  const child = spawn(PROGRAM, [...FLAGS, '--headless=new', `--user-data-dir=${profile}`, address('first')], {
    stdio: 'ignore',
  });
  return {
    address,
    /** Runs a function of the test in the page of this name, once it asks. */
    run: (name, code, argument) =>
      new Promise((done, failed) => {
        const no = ++count;
        const timer = setTimeout(() => failed(Error(`the page ${name} does not answer`)), ANSWER_MS);
        answers.set(no, (value, error) => {
          clearTimeout(timer);
          if (error) failed(Error(error));
          else done(value);
        });
        jobs.set(name, [...(jobs.get(name) ?? []), { no, code: `${code}`, argument }]);
        hand(name);
      }),
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
