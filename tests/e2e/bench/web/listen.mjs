import http from 'node:http';

/** An HTTP server on loopback, on a port that the system chooses. */
export const listen = async (handler) => {
  const server = http.createServer(handler);
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    server,
    address: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
  };
};
