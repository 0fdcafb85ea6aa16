import { init, track } from '@plausible-analytics/tracker';

// It leaves pages alone that are driven by a program, unless a test of its own says otherwise.
window.__plausible = true;

window.sdk = {
  start: (endpoint) =>
    init({ domain: 'bench', endpoint: `${endpoint}/api/event`, autoCapturePageviews: false, captureOnLocalhost: true }),
  track: (name, props) => track(name, { props }),
};
