/** The hosts that are here: Viceroy is built from source, so only where it was. */
import { fastly } from './fastly.mjs';
import { native } from './native.mjs';
import { workerd } from './workerd.mjs';

const ALL = [native, workerd, fastly];

const asked = process.env.HEADWATER_HOSTS?.split(',') ?? ['native', 'workerd'];

const unknown = asked.filter((name) => !ALL.some((host) => host.name === name));
if (unknown.length) throw Error(`HEADWATER_HOSTS: no host ${unknown}`);

export const HOSTS = ALL.filter((host) => asked.includes(host.name));
