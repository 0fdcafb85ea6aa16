import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';

const analytics = new RudderAnalytics();

window.sdk = {
  start: (endpoint) =>
    new Promise((loaded) => {
      analytics.ready(loaded);
      analytics.load('bench', endpoint, { configUrl: endpoint, pluginsSDKBaseURL: endpoint, loadIntegration: false });
    }),
  track: (name, props) => analytics.track(name, props),
};
