/** How long a run measures. The whole stays below 15 minutes on two cores. */

/** @typedef {{ rounds: number, seconds: number, warmSeconds: number, quick: boolean }} Settings rounds of how many seconds, after a warm-up */

/** One short round: for a look, and for the check that the benchmark works. @type {Settings} */
export const QUICK = { rounds: 1, seconds: 1, warmSeconds: 1, quick: true };

/** The compilers of Node need two seconds to find what is hot. @type {Settings} */
export const FULL = { rounds: 3, seconds: 1, warmSeconds: 2, quick: false };

/** Two proxies alone, and a difference of a few hundredths to be seen: more rounds. @type {Settings} */
export const COMPARISON = { rounds: 9, seconds: 1, warmSeconds: 2, quick: false };
