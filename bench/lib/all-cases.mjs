/** All cases, in the order of the tables. */
import { latencyCase } from './latency-case.mjs';
import { loadCases } from './load-cases.mjs';
import { memoryCases } from './memory-cases.mjs';
import { proxCases } from './prox-cases.mjs';
import { reloadCase } from './reload-case.mjs';

export const allCases = { ...loadCases, ...latencyCase, ...reloadCase, ...memoryCases, ...proxCases };
