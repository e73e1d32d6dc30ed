/** What bench/run.sh is asked for. */
import { COMPARISON, FULL, QUICK } from './settings.mjs';

export const USAGE = `bench/run.sh [CASE|PROXY ...] [options]
bench/run.sh [CASE ...] --against REF [options]

Measures prox beside other proxies. Without a case all cases are run, without a proxy all proxies take part.
With --against it measures prox as it is beside prox as it was at a commit, and nothing else.

  --list         the names of cases and proxies
  --quick        one short round of each
  --against REF  a branch, tag or commit, which is built beside this one; more rounds, as small differences count
  --rounds N     rounds of each proxy
  --write        writes bench/results.json, and from it the tables of README.md and bench/README.md and bench/chart.svg
  --out FILE     writes the raw results to a file
  --no-go        builds nothing with the Go toolchain; what was built before takes part
  --help`;

/**
 * @param {string[]} args
 * @param {string[]} cases all names
 * @param {string[]} peers all names
 * @returns what is asked for: `named` are the proxies that were named, `peers` those that take part; `problem` tells what is wrong with it, or is null
 */
export function parse(args, cases, peers) {
  const asked = {
    cases: /** @type {string[]} */ ([]),
    peers: /** @type {string[]} */ ([]),
    named: /** @type {string[]} */ ([]),
    settings: FULL,
    write: false,
    out: null,
    go: true,
    against: null,
    rounds: null,
    list: false,
    help: false,
    problem: null,
  };
  const options = {
    '--list': () => (asked.list = true),
    '--help': () => (asked.help = true),
    '--write': () => (asked.write = true),
    '--no-go': () => (asked.go = false),
    '--quick': () => (asked.settings = QUICK),
  };
  const values = { '--out': 'out', '--against': 'against', '--rounds': 'rounds' };
  const left = [...args];
  while (left.length > 0) {
    const arg = left.shift();
    if (arg in options) options[arg]();
    else if (arg in values && left.length > 0) asked[values[arg]] = left.shift();
    else if (cases.includes(arg)) asked.cases.push(arg);
    else if (peers.includes(arg)) asked.named.push(arg);
    else
      return {
        ...asked,
        problem: `bench/run.sh: ${arg}: neither a case, a proxy nor an option; see --list and --help`,
      };
  }
  asked.problem = problemOf(asked);
  if (asked.against !== null && asked.settings === FULL) asked.settings = COMPARISON;
  if (asked.rounds !== null) asked.settings = { ...asked.settings, rounds: Number(asked.rounds) };
  if (asked.cases.length === 0) asked.cases = cases;
  asked.peers = asked.named.length === 0 ? peers : asked.named;
  return asked;
}

/** What cannot be asked for together, or null. */
function problemOf({ against, named, write, rounds }) {
  if (against !== null && named.length > 0)
    return `bench/run.sh: --against measures prox alone, not ${named.join(', ')}`;
  if (against !== null && write) return 'bench/run.sh: --write takes the results of a whole run, not of --against';
  if (rounds !== null && !/^[1-9][0-9]{0,2}$/.test(rounds))
    return 'bench/run.sh: --rounds takes a number from 1 to 999';
  return null;
}
