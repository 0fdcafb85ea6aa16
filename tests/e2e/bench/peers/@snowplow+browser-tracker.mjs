import { newTracker, trackSelfDescribingEvent } from '@snowplow/browser-tracker';

window.sdk = {
  // Not base64, so that marks are found in its requests; they are shorter for it.
  start: (endpoint) => void newTracker('bench', endpoint, { appId: 'bench', encodeBase64: false }),
  track: (name, props) =>
    trackSelfDescribingEvent({ event: { schema: `iglu:com.example/${name}/jsonschema/1-0-0`, data: props } }),
};
