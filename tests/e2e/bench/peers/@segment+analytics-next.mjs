import { AnalyticsBrowser } from '@segment/analytics-next';

const analytics = new AnalyticsBrowser();

window.sdk = {
  start: (endpoint) => {
    analytics.load(
      {
        writeKey: 'bench',
        cdnSettings: { integrations: { 'Segment.io': { apiKey: 'bench', unbundledIntegrations: [], addBundledMetadata: false } } },
      },
      {
        integrations: {
          'Segment.io': { apiHost: `${new URL(endpoint).host}/v1`, protocol: 'http' },
        },
      },
    );
    return analytics.ready();
  },
  track: (name, props) => void analytics.track(name, props),
};
