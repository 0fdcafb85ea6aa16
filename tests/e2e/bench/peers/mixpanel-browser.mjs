import mixpanel from 'mixpanel-browser';

window.sdk = {
  start: (endpoint) =>
    void mixpanel.init('bench', {
      api_host: endpoint,
      autocapture: false,
      ignore_dnt: true,
      record_sessions_percent: 0,
      track_pageview: false,
    }),
  track: (name, props) => void mixpanel.track(name, props),
};
