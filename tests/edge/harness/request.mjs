/** HTTP as the cases need it: methods and headers that `fetch` would not send. */
import http from 'node:http';

/** Sends, and reads the whole answer. */
export const send = (address, { method = 'POST', path = '/collect', headers = {}, body }) =>
  new Promise((answered, failed) => {
    const { hostname, port } = new URL(address);
    const all = { ...headers };
    if (body !== undefined) all['content-length'] = Buffer.byteLength(body);
    const request = http.request({ agent: false, hostname, port, method, path, headers: all }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', failed);
      answer.on('end', () =>
        answered({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', failed);
    request.end(body);
  });
