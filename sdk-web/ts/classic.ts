/** The API of `index.ts` for a classic script: sets `window.headwater`. */

import {
  alias,
  consent,
  exposure,
  flush,
  group,
  identify,
  init,
  inspect,
  page,
  register,
  reset,
  screen,
  set,
  track,
  unregister,
} from './index';

const headwater = {
  alias,
  consent,
  exposure,
  flush,
  group,
  identify,
  init,
  inspect,
  page,
  register,
  reset,
  screen,
  set,
  track,
  unregister,
} satisfies typeof import('./index');

Object.assign(window, { headwater });
