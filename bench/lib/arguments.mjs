/** What bench/run.sh is asked for. */
import { FULL, QUICK } from './settings.mjs';

export const USAGE = `bench/run.sh [CASE|PROXY ...] [options]

Measures prox beside other proxies. Without a case all cases are run, without a proxy all proxies take part.

  --list       the names of cases and proxies
  --quick      one short round of each
  --write      writes bench/results.json, and from it the tables of README.md and bench/README.md and bench/chart.svg
  --out FILE   writes the raw results to a file
  --no-go      builds nothing with the Go toolchain; what was built before takes part
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
  const left = [...args];
  while (left.length > 0) {
    const arg = left.shift();
    if (arg in options) options[arg]();
    else if (arg === '--out' && left.length > 0) asked.out = left.shift();
    else if (cases.includes(arg)) asked.cases.push(arg);
    else if (peers.includes(arg)) asked.named.push(arg);
    else
      return {
        ...asked,
        problem: `bench/run.sh: ${arg}: neither a case, a proxy nor an option; see --list and --help`,
      };
  }
  if (asked.cases.length === 0) asked.cases = cases;
  asked.peers = asked.named.length === 0 ? peers : asked.named;
  return asked;
}
