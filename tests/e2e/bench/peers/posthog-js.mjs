import posthog from 'posthog-js';

window.sdk = {
  start: (endpoint) =>
    new Promise((loaded) =>
      posthog.init('bench', {
        api_host: endpoint,
        advanced_disable_flags: true,
        autocapture: false,
        capture_pageview: false,
        capture_pageleave: false,
        capture_performance: false,
        capture_dead_clicks: false,
        capture_exceptions: false,
        disable_external_dependency_loading: true,
        disable_session_recording: true,
        disable_surveys: true,
        opt_out_useragent_filter: true, // A headless browser counts as a bot.
        rate_limiting: { events_per_second: 1e6, events_burst_limit: 1e6 },
        loaded,
      }),
    ),
  track: (name, props) => posthog.capture(name, props),
};
