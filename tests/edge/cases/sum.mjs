/** node cases/sum.mjs: how much the contract is. */
import { HOSTS } from '../hosts/index.mjs';
import { cases } from './index.mjs';

const left = HOSTS.flatMap((host) => cases.filter((one) => one.not?.[host.name])).length;
console.log(`${HOSTS.length} hosts × ${cases.length} cases (${left} of them do not apply)`);
