import { init, track } from '@amplitude/analytics-browser';

window.sdk = {
  start: (endpoint) =>
    init('bench', {
      autocapture: false,
      fetchRemoteConfig: false,
      remoteConfig: { fetchRemoteConfig: false },
      serverUrl: `${endpoint}/2/httpapi`,
    }).promise,
  track: (name, props) => void track(name, props),
};
