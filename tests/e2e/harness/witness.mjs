/** Where a page says which of its events were accepted, past the SDK. */
import http from 'node:http';

export const startWitness = async () => {
  const witness = {
    address: '',
    /** When the journal write of an event returned (Unix ms), by the event's name. */
    accepted: new Map(),
    stop: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
  };
  const server = http.createServer(async (request, response) => {
    let body = '';
    try {
      for await (const chunk of request) body += chunk;
    } catch {
      return;
    }
    const [name, at] = JSON.parse(body);
    witness.accepted.set(name, at);
    response.end();
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  witness.address = `http://127.0.0.1:${server.address().port}/`;
  return witness;
};

/** Lets `page` track an event every `ms`, named `<prefix><n>`, and tell the witness of each. */
export const tick = (page, witness, ms, prefix = 'tick') =>
  page.evaluate(
    ({ address, ms, prefix }) => {
      let n = 0;
      // A worker's timers go on when nobody looks at the tab.
      const clock = `setInterval(() => postMessage(0), ${ms})`;
      window.ticking = new Worker(URL.createObjectURL(new Blob([clock])));
      ticking.onmessage = () => {
        const name = prefix + n++;
        headwater.track(name);
        // The SDK writes in a microtask that the call queued: it has run when this one does.
        queueMicrotask(() => {
          const said = JSON.stringify([name, Date.now()]);
          fetch(address, { method: 'POST', mode: 'no-cors', body: said, keepalive: true }).catch(() => {});
        });
      };
    },
    { address: witness.address, ms, prefix },
  );
