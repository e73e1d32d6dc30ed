/** Makes the tables and the chart of bench/results.json anew, without measuring: node bench/report.mjs. */
import { readFileSync } from 'node:fs';
import { writeReport } from './lib/report.mjs';

writeReport(JSON.parse(readFileSync(new URL('results.json', import.meta.url), 'utf8')));
