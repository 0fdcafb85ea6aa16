/** The real headwater-bridge, which appends what it takes to a file, and a door with faults before it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { programOf, start } from './program.mjs';

/** What collectors prove themselves with. */
export const KEY = 'a-key-of-the-contract-suite';

const READY = /listening on (http:\/\/\S+)/;

export const startBridge = async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'headwater-edge-'));
  const file = path.join(folder, 'records.ndjson');
  let listen = '127.0.0.1:0';
  const run = () =>
    start(
      [programOf('HEADWATER_BRIDGE_BIN'), 'serve', '--sink', 'file', '--sink-path', file, '--listen', listen]
        .concat(['--metrics-listen', '127.0.0.1:0']),
      { ready: READY, env: { HEADWATER_BRIDGE_KEY: KEY } },
    );
  let program = await run();
  const address = program.address;
  listen = new URL(address).host;
  return {
    address,
    /** Every record so far, oldest first. */
    records: () => readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)),
    /** Its storage becomes another one: empty, with an incarnation of its own. */
    renew: async () => {
      await program.stop();
      for (const end of ['', '.incarnation']) rmSync(file + end);
      program = await run();
    },
    kill: () => program.kill(),
    restart: async () => (program = await run()),
    stop: async () => {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/**
 * What stands between collector and bridge. `door.fault` is what happens to each request:
 *
 *     undefined            it passes
 *     'refuse'             the connection breaks before the bridge hears of it
 *     'drop'               the bridge answers, and the answer is lost
 *     { status, headers }  somebody answers in the bridge's place
 *     { spoil: n }         line n becomes one that the bridge never takes
 */
export const startDoor = async (bridge) => {
  const { hostname, port } = new URL(bridge.address);
  const door = { fault: undefined, requests: [], address: '', stop: undefined };
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    let body = Buffer.concat(chunks);
    const { fault } = door;
    door.requests.push({ method: request.method, path: request.url, headers: request.headers, body: body.toString() });
    if (fault === 'refuse') return response.destroy();
    if (fault?.status) return response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
    if (fault?.spoil !== undefined) {
      const lines = body.toString().split('\n');
      // The name of the loss follows in a request of its own, and passes.
      if (!lines.some((line) => line.includes('"$ledger"'))) lines[fault.spoil] = '{"event_type":"spoilt"}';
      body = Buffer.from(lines.join('\n'));
    }
    const headers = { ...request.headers, host: `${hostname}:${port}`, 'content-length': body.length };
    delete headers['transfer-encoding'];
    const onward = http.request({ hostname, port, method: request.method, path: request.url, headers }, (answer) => {
      if (fault === 'drop') return answer.resume().on('end', () => response.destroy());
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    onward.end(body);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  door.address = `http://127.0.0.1:${server.address().port}`;
  door.stop = () => new Promise((done) => server.close(done) && server.closeAllConnections());
  return door;
};
