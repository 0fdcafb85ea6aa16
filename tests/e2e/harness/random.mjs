/** Chance that repeats itself for the same seed (mulberry32). */

/** The run's seed; `HEADWATER_SEED` repeats a run. */
export const seed = Number(process.env.HEADWATER_SEED ?? Date.now() % 1_000_000);

export const showSeed = () => console.log(`seed ${seed} (HEADWATER_SEED=${seed} repeats it)`);

/** Numbers from 0 to below 1. */
export const dice = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

/**
 * True for half of the calls, but never more than twice in a row: each failure in a row doubles the time that a
 * client waits, and a test waits with it.
 */
export const coin = (seed) => {
  const roll = dice(seed);
  let row = 0;
  return () => (row = roll() < 0.5 && row < 2 ? row + 1 : 0) > 0;
};
