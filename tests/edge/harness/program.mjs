/** Programs of ours and of others as child processes that say where they listen. */
import { spawn } from 'node:child_process';

import { until } from '../../e2e/harness/until.mjs';

const READY_MS = 60_000;

/**
 * Starts `command` and waits for `ready` in what it writes: `{ address, kill, stop }`; the address is its first group. Of a
 * program that says nothing, `ready` is the address at which it will answer GET /healthz.
 */
export const start = async ([command, ...args], { ready, env = {}, cwd } = {}) => {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    cwd,
    detached: false,
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise((end) => child.once('exit', end));
  let output = '';
  const address = await new Promise((found, failed) => {
    const timer = setTimeout(() => failed(Error(`${command} is not ready: ${output}`)), READY_MS);
    const is = (address) => {
      clearTimeout(timer);
      found(address);
    };
    const read = (chunk) => {
      output += chunk;
      const said = typeof ready === 'string' ? null : ready.exec(output);
      if (said) is(said[1]);
    };
    if (typeof ready === 'string') {
      until(`${command} answers`, async () => (await fetch(`${ready}/healthz`)).ok, READY_MS).then(() => is(ready), failed);
    }
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => failed(Error(`${command} ended with ${code}: ${output}`)));
    child.on('error', failed);
  });
  const end = (signal) => async () => {
    child.kill(signal);
    await ended;
    process.off('exit', kill);
  };
  return { address, output: () => output, pid: child.pid, kill: end('SIGKILL'), stop: end('SIGTERM') };
};

/** The program that the variable names. */
export const programOf = (variable) => {
  const program = process.env[variable];
  if (!program) throw Error(`${variable} must name the program; cargo xtask edge test does`);
  return program;
};
