/** The content of /etc/resolv.conf, as resolv.conf(5) defines it. */
export interface ResolvConf {
  /** Addresses of the servers, with a port only if it is not 53. */
  readonly servers: readonly string[];
  /** Domains that are appended to names, without a dot at the end. */
  readonly search: readonly string[];
  /** A name with at least this number of dots is first looked up as it is, and then with the search domains. */
  readonly ndots: number;
  /** Milliseconds for one server to answer. */
  readonly timeout: number;
  /** How many times all servers are asked. */
  readonly attempts: number;
  /** Whether each lookup begins with the next server. */
  readonly rotate: boolean;
}

/** The number of servers that the C library uses (MAXNS). */
const MAX_SERVERS = 3;

/** The C library's limit for `search` was 6 until 2019. A longer list is a mistake. */
const MAX_SEARCH = 16;

/** The C library's limits for `options`. */
const MAX_NDOTS = 15;
const MAX_TIMEOUT_S = 30;
const MAX_ATTEMPTS = 5;

/**
 * Milliseconds for a server to answer, unless the file sets them. The C library waits for 5 s, which is the whole time
 * of a dial by default: the second server would be asked too late.
 */
const DEFAULT_TIMEOUT_MS = 2000;

const DEFAULT_ATTEMPTS = 2;

/**
 * Parses the text of resolv.conf. Like the C library, it ignores lines without a meaning.
 * @param host the machine's own name; its domain is searched if the file names none
 */
export function parseResolvConf(text: string, host: string): ResolvConf {
  const servers: string[] = [];
  let search = host.includes('.') ? [host.slice(host.indexOf('.') + 1)] : [];
  const options = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [keyword = '', ...words] = line.trim().split(/\s+/);
    const comment = words.findIndex((word) => /^[#;]/.test(word));
    const values = comment < 0 ? words : words.slice(0, comment);
    if (keyword === 'nameserver' && values[0] !== undefined) servers.push(values[0]);
    else if (keyword === 'domain') search = values.slice(0, 1);
    else if (keyword === 'search') search = values.slice(0, MAX_SEARCH);
    else if (keyword === 'options') for (const value of values) readOption(value, options);
  }
  return {
    servers: servers.length === 0 ? ['127.0.0.1'] : servers.slice(0, MAX_SERVERS),
    search: search.map((domain) => domain.replace(/\.+$/, '').toLowerCase()).filter((domain) => domain !== ''),
    ndots: Math.min(options.get('ndots') ?? 1, MAX_NDOTS),
    timeout: options.has('timeout') ? clamp(options.get('timeout'), MAX_TIMEOUT_S) * 1000 : DEFAULT_TIMEOUT_MS,
    attempts: options.has('attempts') ? clamp(options.get('attempts'), MAX_ATTEMPTS) : DEFAULT_ATTEMPTS,
    rotate: options.has('rotate'),
  };
}

function readOption(option: string, into: Map<string, number>): void {
  const match = /^(ndots|timeout|attempts):(\d+)$/.exec(option);
  if (match !== null) into.set(match[1], Number(match[2]));
  else if (option === 'rotate') into.set('rotate', 1);
}

function clamp(value = 1, max: number): number {
  return Math.min(Math.max(value, 1), max);
}

/**
 * The names to look up, in this order: a name with few dots is first completed with the search domains and then tried
 * as it is, any other name the other way round.
 * @param name lower case; a dot at its end means that it is complete
 */
export function candidates(name: string, { search, ndots }: ResolvConf): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const completed = search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...completed] : [...completed, name];
}
