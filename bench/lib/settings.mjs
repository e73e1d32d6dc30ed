/** How long a run measures. The whole stays below 15 minutes on two cores. */

/** @typedef {{ rounds: number, boundRounds: number, seconds: number, quick: boolean }} Settings */

/** One short round: for a look, and for the check that the benchmark works. @type {Settings} */
export const QUICK = { rounds: 1, boundRounds: 1, seconds: 1, quick: true };

/** Cases with a bound get more rounds than the others. @type {Settings} */
export const FULL = { rounds: 3, boundRounds: 5, seconds: 1, quick: false };
