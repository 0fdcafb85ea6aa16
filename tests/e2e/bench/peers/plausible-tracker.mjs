import Plausible from 'plausible-tracker';

let tracker;

window.sdk = {
  start: (endpoint) => {
    tracker = Plausible({ domain: 'bench', apiHost: endpoint, trackLocalhost: true });
  },
  track: (name, props) => tracker.trackEvent(name, { props }),
};
