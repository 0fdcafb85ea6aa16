/** The customer's site: one page per subject, cross-origin isolated, which gives it clocks of 5 µs instead of 100. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { listen } from './listen.mjs';

const TYPES = { js: 'text/javascript', wasm: 'application/wasm' };

const html = ({ name, file, adapter = '', endpoint }, probe) => `<!doctype html><meta charset=utf-8>
<title>bench</title><link rel=icon href=data:,>
<script>
window.bench = {};
addEventListener('error', ({ error }) => (window.started ??= { error }));
${probe}
</script>
${file ? `<script src="/${[name, file].map(encodeURIComponent).join('/')}"></script>` : ''}
<script>
bench.ran = performance.now();
${adapter};
(async () => {
  bench.called = performance.now();
  const starting = sdk.start(${JSON.stringify(endpoint)});
  bench.returned = performance.now();
  if (location.hash) sdk.track('first', { mark: location.hash.slice(1) });
  await starting;
})().then(() => (window.started = true), (error) => (window.started = { error }));
</script>`;

/** Subjects by name: `folder` and `file` of the script, `adapter` (a script after it), `endpoint`, `files`: those asked for. */
export const startSite = async (subjects, probes) => {
  const served = await listen(async (request, response) => {
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    response.setHeader('cross-origin-embedder-policy', 'require-corp');
    const { pathname, searchParams } = new URL(request.url, served.address);
    const [, name, file] = pathname.split('/').map(decodeURIComponent);
    const subject = subjects[name];
    if (!subject) {
      response.setHeader('content-type', 'text/html');
      return response.end('<title>blank</title><link rel=icon href=data:,><script>window.started = true</script>');
    }
    if (!file) {
      response.setHeader('content-type', 'text/html');
      return response.end(html(subject, probes[searchParams.get('probe')] ?? ''));
    }
    try {
      const text = await readFile(path.join(subject.folder, path.basename(file)));
      subject.files?.add(file);
      response.setHeader('content-type', TYPES[file.split('.').pop()]);
      response.end(text);
    } catch {
      response.writeHead(404).end();
    }
  });
  return served;
};
