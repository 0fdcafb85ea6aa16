/** `@headwater/web`: what a page calls. Nothing here throws, waits for the network, or needs the wasm. */

import type { Changes, Inspection, Money, Options, Props } from './api';
import { eventText, json, objectText, word } from './event';
import { guard } from './guard';
import { decide, drain, page as shell, record, reset as renew, waiting } from './intake';
import { Lane } from './lane';
import { load, watch } from './load';
import { rawRequests, rawSend } from './raw_send';
import { keep, merged, snapshot } from './registered';
import { Key, decision, setUser } from './shared';
import type { Verdict } from './types';
import { Input } from './wasm';

export type { Changes, Inspection, Money, Options, Props };

/** What the visitor decided before `init`. */
let decided: Verdict | undefined;
let leave: () => void;

const arrive = (): void => {
  shell.gone = new Promise((resolve) => (leave = resolve));
};

/** What other tabs and earlier pages wrote. */
const refresh = (): void => {
  for (const key of [Key.Props, Key.Refuse]) shell.heard(key, shell.read(key));
};

/** Begins counting. Calls made before it wait for it. */
export const init = guard((options: Options): void => {
  // All at once: they may throw, and then nothing has begun.
  const { site, appVersion, consent, debug, storage, wasm, whileUnknown } = options;
  const endpoint = options.endpoint || '/collect';
  // What is no text cannot be trimmed.
  if (shell.site || !site.trim() || !endpoint.trim()) throw Error('init');
  shell.appVersion = appVersion ? word(appVersion) : null;
  // Later the page may have another address to begin from.
  shell.endpoint = new URL(endpoint, document.baseURI).href;
  shell.prefix = `hw1:${site}:`;
  shell.wasm = wasm;
  try {
    if (storage !== 'none') shell.area = localStorage;
  } catch {
    // Forbidden by the visitor or by a sandbox: the journal is in memory.
  }
  const early = shell.registered;
  refresh();
  shell.registered = { ...shell.registered, ...early };
  // Of a page that nobody sees nothing is stored or sent.
  if (document.prerendering) return document.addEventListener('prerenderingchange', () => init(options));
  shell.site = json(site);
  if (debug) watch(shell, waiting);
  arrive();
  listen();
  if (whileUnknown === 'drop') shell.room = 0;
  if (decided) shell.write(Key.Consent, decided);
  decide(decision(shell.read(Key.Consent)) ?? decided ?? decision(consent) ?? (consent ? 'unknown' : 'granted'));
});

const listen = (): void => {
  const tell = (kind: Input, ...args: number[]) => shell.core?.tell(kind, ...args);
  addEventListener(
    'pagehide',
    guard(() => {
      drain();
      leave();
      shell.left = true;
      if (shell.core) tell(Input.Terminating);
      else if (shell.verdict === 'granted') rawSend(shell, shell.streams);
      shell.close();
    }),
  );
  const back = guard(() => {
    if (shell.left) {
      // While the page slept its streams were free to be adopted, and it heard nothing.
      shell.left = false;
      arrive();
      shell.core?.resumed();
      refresh();
    }
    drain();
  });
  addEventListener('pageshow', back);
  document.addEventListener('resume', back);
  addEventListener('online', () => {
    tell(Input.Online, 1);
    load(shell);
  });
  addEventListener('offline', () => tell(Input.Online, 0));
  addEventListener(
    'storage',
    guard(({ key, newValue }) => {
      if (key?.startsWith(shell.prefix)) shell.heard(key.slice(shell.prefix.length), newValue);
    }),
  );
  // It comes here last: what the document's listeners call goes with what was called before.
  addEventListener(
    'visibilitychange',
    guard(() => {
      drain();
      tell(document.hidden ? Input.Hidden : Input.Visible);
      if (!document.hidden) shell.core?.adopt();
    }),
  );
};

/** The visitor sees a page. In a single-page app call it after every change of the address. */
export const page = guard((name?: string, props?: Props) =>
  record(() => eventText('pageview', name, merged(shell, props))),
);

/** The visitor sees a screen of an app in the page. */
export const screen = guard((name: string, props?: Props) =>
  record(() => eventText('screen', name, merged(shell, props))),
);

/** Something happened; with `money`, something was paid: that outlives everything else when there is too much. */
export const track = guard((name: string, props?: Props, money?: Money) =>
  record(() => eventText('custom', name, merged(shell, props), money), undefined, money ? Lane.Precious : Lane.Usual),
);

/** The visitor is shown a variant of an experiment. */
export const exposure = guard((experiment: string, variant: string) =>
  record(() => eventText('$exposure', word(experiment), merged(shell, { variant: word(variant) }))),
);

/** The visitor is known as `user` from here on, in every tab. */
export const identify = guard((user: string, traits?: Props) => {
  let name: string;
  record(
    () => ((name = word(user)), eventText('identify', null, traits)),
    () => {
      setUser(shell, name);
      shell.close();
    },
  );
});

/** The visitor is also known as `id`. */
export const alias = guard((id: string) => record(() => eventText('alias', word(id), null)));

/** The visitor belongs to a group (a company, a team). */
export const group = guard((id: string, traits?: Props) => record(() => eventText('group', word(id), traits)));

/** Says what is known of the visitor. */
export const set = guard((changes: Changes) =>
  record(() => {
    const { set, setOnce, increment } = changes;
    for (const part of [set, setOnce, increment]) if (part != null) objectText(part);
    if (!Object.values(increment ?? {}).every(Number.isFinite)) throw TypeError('not a number');
    return eventText('$set', null, { set, set_once: setOnce, increment });
  }),
);

/** Adds these properties to every later event of this visitor, in every tab; the event's own win. */
export const register = guard((props: Props) => keep(shell, { ...shell.registered, ...snapshot(props) }));

/** Stops adding them. */
export const unregister = guard((names: string | string[]) =>
  keep(shell, { ...shell.registered, ...Object.fromEntries([names].flat().map((name) => [name, undefined])) }),
);

/** The visitor logged out: nothing links what follows to what was before. */
export const reset = guard(renew);

/** The visitor's decision, remembered. A denial removes what is not sent yet, and names it in the ledger. */
export const consent = guard((verdict: 'granted' | 'denied') => {
  decided = decision(verdict);
  if (!decided) throw TypeError('consent');
  if (!shell.site) return;
  // Should it not be written, the one before must not hold.
  shell.remove(Key.Consent);
  const kept = shell.write(Key.Consent, decided);
  decide(decided);
  // A denial has made room.
  if (!kept) shell.write(Key.Consent, decided);
});

/** Sends what waits, now. */
export const flush = guard(() => {
  drain();
  shell.core?.tell(Input.Flush);
  load(shell);
});

/** What is held at this moment. For developers: in later versions it may look otherwise. */
export const inspect = guard((): Inspection => {
  const found: Inspection = {
    consent: shell.verdict,
    core: !!shell.core,
    session: shell.read(Key.Session),
    waiting: waiting.length,
    streams: rawRequests(shell, shell.streams, 0).flatMap((request) => JSON.parse(request).batches),
  };
  shell.spy?.explain(found);
  return found;
});
