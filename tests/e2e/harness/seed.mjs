/** Chance that repeats itself. */

/** What HEADWATER_SEED says, or a new one. A scenario prints it. */
export const SEED = Number(process.env.HEADWATER_SEED ?? Date.now() % 1_000_000);

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). It runs in pages, too. */
export const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
