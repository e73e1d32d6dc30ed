/** How long a run measures. The whole stays below 15 minutes on two cores. */

/** @typedef {{ rounds: number, seconds: number, quick: boolean }} Settings */

/** One short round: for a look, and for the check that the benchmark works. @type {Settings} */
export const QUICK = { rounds: 1, seconds: 1, quick: true };

/** @type {Settings} */
export const FULL = { rounds: 3, seconds: 1, quick: false };
