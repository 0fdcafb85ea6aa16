/** Patterns of what is expected, and the names they give to values (README.md of the suite). */

export class Names {
  #bound = new Map();

  get(name) {
    return this.#bound.get(name);
  }

  hasValue(value) {
    return [...this.#bound.values()].includes(value);
  }

  /** Lets a name stand for a value, from here on; no other name may. */
  bind(name, value) {
    const bound = this.#bound.get(name);
    if (bound === value) return;
    if (bound !== undefined) throw Error(`${name} is ${bound}, not ${value}`);
    for (const [other, known] of this.#bound)
      if (known === value) throw Error(`${name} would be ${value}, which is ${other}`);
    this.#bound.set(name, value);
  }
}

const isThere = (seen) => seen !== undefined && seen !== null;
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a scenario calls an event. (Every event of a page has its address; it is the name of a view alone.) */
export const nameOf = ({ name, type, url }) => name ?? (type === 'pageview' ? url : type);

/** Names, with `e0..e49` written out. */
export const expand = (list) =>
  [list].flat().flatMap((text) => {
    const [, stem, from, other, to] = /^(.*?)(\d+)\.\.(.*?)(\d+)$/.exec(text) ?? [];
    if (stem === undefined || stem !== other) return [text];
    return Array.from({ length: to - from + 1 }, (_, n) => `${stem}${+from + n}`);
  });

const RULES = {
  $absent: (_, seen) => !isThere(seen),
  $any: (_, seen) => isThere(seen),
  $between: ([least, most], seen) => typeof seen === 'number' && least <= seen && seen <= most,
  $count: (count, seen) => Array.isArray(seen) && seen.length === count,
  $names: (names, seen) => Array.isArray(seen) && `${seen.map(nameOf)}` === `${expand(names)}`,
};

/** Throws where what is there parts from the pattern. */
export const match = (pattern, seen, names, where = '') => {
  const differ = () => Error(`${where || 'it'}: expected ${JSON.stringify(pattern)}, seen ${JSON.stringify(seen)}`);
  if (typeof pattern === 'string' && pattern[0] === '$') {
    if (typeof seen !== 'string') throw differ();
    names.bind(pattern, seen);
  } else if (isObject(pattern) && Object.keys(pattern).some((key) => key[0] === '$')) {
    for (const [rule, argument] of Object.entries(pattern)) {
      if (rule === '$all') {
        if (!Array.isArray(seen)) throw differ();
        seen.forEach((element, at) => match(argument, element, names, `${where}[${at}]`));
      } else {
        if (!RULES[rule]) throw Error(`unknown rule ${rule}`);
        if (!RULES[rule](argument, seen)) throw differ();
      }
    }
  } else if (isObject(pattern)) {
    if (!isObject(seen)) throw differ();
    for (const [member, part] of Object.entries(pattern)) match(part, seen[member], names, `${where}.${member}`);
  } else if (Array.isArray(pattern)) {
    const list = seen ?? [];
    if (!Array.isArray(list) || list.length !== pattern.length) throw differ();
    pattern.forEach((part, at) => match(part, list[at], names, `${where}[${at}]`));
  } else if (!(pattern === seen || ((pattern === null || pattern === false) && !isThere(seen)))) {
    throw differ();
  }
};
