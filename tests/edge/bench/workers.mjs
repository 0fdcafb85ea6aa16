/**
 * node bench/workers.mjs: requests a second and CPU of the worker in workerd, beside a collector in plain JavaScript, both
 * before a real bridge whose records stay in memory; and how long each takes from nothing to its first answer. Prints JSON:
 * { name: [value, unit] }. HEADWATER_VICEROY and HEADWATER_FASTLY_WASM add Fastly's.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';

import { Log, LogLevel, Miniflare } from 'miniflare';

import { SITES, native, newcomer } from '../cases/bodies.mjs';
import { KEY } from '../harness/bridge.mjs';
import { programOf, start } from '../harness/program.mjs';
import { fastly } from '../hosts/fastly.mjs';
import { runtime } from '../hosts/workerd.mjs';

/** Connections of the load. */
const CONNECTIONS = 16;
/** Requests of a round, of each kind: one event, and the SDK's batch. */
const KINDS = [
  { events: 1, requests: 3_000 },
  { events: 50, requests: 600 },
];
/** Each measurement is taken this often, in turn with the others; the median counts. */
const ROUNDS = 3;

const TICKS = Number(execFileSync('getconf', ['CLK_TCK']));

const stat = (pid) => {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) / TICKS };
};

/** The youngest child of this process that is workerd. */
const workerdOf = () => {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const mine = all.filter((pid) => {
    try {
      return stat(pid).parent === process.pid && readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('workerd');
    } catch {
      return false; // It ended while we looked.
    }
  });
  return Math.max(...mine.map(Number));
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const post = (agent, url, body) =>
  new Promise((done, failed) => {
    const options = { agent, method: 'POST', headers: { 'content-length': Buffer.byteLength(body) } };
    const request = http.request(url, options, (answer) => {
      answer.resume().on('end', () => {
        if (answer.statusCode === 204) done();
        else failed(Error(`status ${answer.statusCode}`));
      });
    });
    request.on('error', failed);
    request.end(body);
  });

const load = async (host, { events, requests }) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const url = `${host.address}/collect`;
  const seqs = Array.from({ length: events }, (_, n) => n);
  const bodies = Array.from({ length: requests }, () => native(newcomer(), { seqs }));
  await Promise.all(bodies.slice(0, CONNECTIONS).map((body) => post(agent, url, body)));
  const rest = bodies.slice(CONNECTIONS);
  const [begun, used] = [performance.now(), stat(host.pid).cpu];
  let next = 0;
  const connection = async () => {
    while (next < rest.length) await post(agent, url, rest[next++]);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  const seconds = (performance.now() - begun) / 1000;
  agent.destroy();
  return { rate: rest.length / seconds, cpu: ((stat(host.pid).cpu - used) / rest.length) * 1e6 };
};

const bridge = await start(
  [programOf('HEADWATER_BRIDGE_BIN'), 'serve', '--sink', 'memory', '--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
  { ready: /listening on (http:\/\/\S+)/, env: { HEADWATER_BRIDGE_KEY: KEY } },
);

const before = { sites: SITES, bridge: bridge.address, key: KEY };

const worker = async () => {
  const { miniflare, address } = await runtime(before);
  return { address, pid: workerdOf(), stop: () => miniflare.dispose() };
};

const plain = async () => {
  const miniflare = new Miniflare({
    modules: true,
    script: readFileSync(new URL('./plain.js', import.meta.url), 'utf8'),
    compatibilityDate: '2026-03-01',
    host: '127.0.0.1',
    port: 0,
    log: new Log(LogLevel.NONE),
    bindings: { BRIDGE_URL: bridge.address, BRIDGE_KEY: KEY },
  });
  return { address: String(await miniflare.ready).replace(/\/$/, ''), pid: workerdOf(), stop: () => miniflare.dispose() };
};

const viceroy = async () => {
  const { address, pid, stop } = await fastly.start(before);
  return { address, pid, stop };
};

const KINDS_OF_HOST = { 'worker in workerd': worker, 'plain JavaScript in workerd': plain };
if (process.env.HEADWATER_VICEROY) KINDS_OF_HOST['Fastly program in Viceroy'] = viceroy;

const results = {};
const cold = {};
const agent = new http.Agent({ keepAlive: false });
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, begin] of Object.entries(KINDS_OF_HOST)) {
    const host = await begin();
    const first = performance.now();
    await post(agent, `${host.address}/collect`, native(newcomer(), { seqs: [0] }));
    const took = performance.now() - first;
    const again = performance.now();
    await post(agent, `${host.address}/collect`, native(newcomer(), { seqs: [0] }));
    (cold[name] ??= []).push(took - (performance.now() - again));
    for (const kind of KINDS) {
      const { rate, cpu } = await load(host, kind);
      const key = `${name}, ${kind.events} events a request`;
      ((results[`${key}, requests/s`] ??= []).push(rate), (results[`${key}, CPU`] ??= []).push(cpu));
    }
    await host.stop();
  }
}
await bridge.stop();

const out = {};
for (const [name, values] of Object.entries(cold)) out[`${name}: first request beyond the second`] = [median(values), 'ms'];
for (const [name, values] of Object.entries(results)) out[name] = [median(values), name.endsWith('CPU') ? 'µs a request' : ''];
for (const { events } of KINDS) {
  const of = (name) => median(results[`${name}, ${events} events a request, CPU`]);
  out[`CPU of the worker, ${events} events a request, plain JavaScript = 1`] = [of('worker in workerd') / of('plain JavaScript in workerd'), ''];
}
console.log(JSON.stringify(out));
