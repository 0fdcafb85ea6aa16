/** The proxy for everything that is not loopback: it lets nothing out, and keeps the names of who was asked for. */
import { listen } from './listen.mjs';

/** Asked by Chromium itself, whatever the page. */
const BROWSER = /(^|\.)(google|googleapis|gvt1)\.com$/;

export const startOutside = async () => {
  const hosts = new Set();
  const note = (url) => {
    const { hostname } = new URL(url);
    if (!BROWSER.test(hostname)) hosts.add(hostname);
  };
  const served = await listen((request, response) => {
    note(request.url);
    response.writeHead(403).end();
  });
  served.server.on('connect', (request, socket) => {
    note(`https://${request.url}`);
    socket.on('error', () => {});
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  return {
    ...served,
    /** Hosts asked for since the last time. */
    taken: () => {
      const asked = [...hosts];
      hosts.clear();
      return asked;
    },
  };
};
