import { Resolver as AresChannel } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import type { Answer } from './name-table.ts';
import { candidates, type ResolvConf } from './resolv-conf.ts';

/**
 * Milliseconds that prox waits for the second family of addresses after the first has arrived (RFC 8305 §3). Servers
 * that do not answer AAAA questions must not delay every dial.
 */
const RESOLUTION_DELAY_MS = 50;

/** Seconds for which the addresses of one family are kept if the other family did not arrive in time. */
const HALF_TTL_S = 5;

/** How many times c-ares sends a question to a server within the server's time. */
const ARES_TRIES = 3;

/** Seconds for which an answer of the C library is kept; it does not report a TTL. */
const SYSTEM_TTL_S = 5;

/** Answer of a server: addresses, no addresses, or no usable answer. */
type Family = 4 | 6;
type FamilyAnswer = Answer & { readonly silent?: boolean };

/**
 * The servers of one configuration. Like the C library, prox asks them in order, with each name of the search list in
 * turn.
 */
export class DnsServers {
  private readonly conf: ResolvConf;
  private readonly servers: readonly DnsServer[];
  /**
   * Index of the server that answered last. It is asked first, so that a dead server costs its timeout once and not for
   * each name.
   */
  private first = 0;

  constructor(conf: ResolvConf) {
    this.conf = conf;
    this.servers = conf.servers.flatMap((address) => DnsServer.at(address) ?? []);
  }

  /**
   * @param sixToo whether the machine can reach IPv6 addresses; if not, they are looked up only if there is no IPv4
   * address
   */
  async find(name: string, sixToo: boolean): Promise<Answer> {
    let failure: Answer | null = null;
    for (const candidate of candidates(name, this.conf)) {
      const answer = await (sixToo ? this.both(candidate) : this.oneByOne(candidate));
      if (answer.kind === 'found') return answer;
      if (answer.kind !== 'failed') continue;
      failure = answer;
      // If no server answers, the further names of the search list would not be answered either.
      if (answer.silent === true) break;
    }
    return failure ?? { kind: 'missing', reason: 'DNS knows no address of this name' };
  }

  private async both(name: string): Promise<FamilyAnswer> {
    const four = this.family(name, 4);
    const six = this.family(name, 6);
    const one = await Promise.race([
      four.then((answer) => ({ answer, other: six })),
      six.then((answer) => ({ answer, other: four })),
    ]);
    const two = one.answer.kind === 'found' ? await within(one.other, RESOLUTION_DELAY_MS) : await one.other;
    return two === null ? halfOf(one.answer) : joined(one.answer, two);
  }

  private async oneByOne(name: string): Promise<FamilyAnswer> {
    const four = await this.family(name, 4);
    return four.kind === 'missing' ? await this.family(name, 6) : four;
  }

  private async family(name: string, family: Family): Promise<FamilyAnswer> {
    const { servers, conf } = this;
    let answer: FamilyAnswer = { kind: 'failed', reason: 'no DNS server is known' };
    if (conf.rotate) this.first = (this.first + 1) % Math.max(servers.length, 1);
    const { first } = this;
    for (let i = 0; i < conf.attempts * servers.length; i++) {
      const at = (first + i) % servers.length;
      answer = await servers[at].ask(name, family, conf.timeout);
      if (answer.kind === 'failed') continue;
      this.first = at;
      return answer;
    }
    return answer;
  }
}

/** One server with its own c-ares channel, so that a question without an answer delays no other question. */
class DnsServer {
  private readonly address: string;
  private readonly channel: AresChannel;
  /** Number of questions that still need an answer. */
  private wanted = 0;

  private constructor(address: string, channel: AresChannel) {
    this.address = address;
    this.channel = channel;
  }

  /** @returns null for an address that c-ares does not accept */
  static at(address: string): DnsServer | null {
    const channel = new AresChannel({ timeout: 1000, tries: ARES_TRIES });
    try {
      channel.setServers([address]);
      return new DnsServer(address, channel);
    } catch {
      return null;
    }
  }

  /** Never rejects. */
  ask(name: string, family: Family, milliseconds: number): Promise<FamilyAnswer> {
    return new Promise((resolve) => {
      this.wanted++;
      let over = false;
      const end = (answer: FamilyAnswer): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        resolve(answer);
        // Otherwise c-ares would repeat the question for a while although the answer is no longer needed.
        if (--this.wanted === 0) this.channel.cancel();
      };
      const silent = (): void => end({ kind: 'failed', reason: `${this.address} did not answer`, silent: true });
      const timer = setTimeout(silent, milliseconds);
      const done = (
        error: NodeJS.ErrnoException | null,
        records: readonly { address: string; ttl: number }[],
      ): void => {
        if (error !== null) return end(failure(error.code ?? error.message, this.address));
        end({
          kind: 'found',
          addresses: records.map(({ address }) => address),
          ttl: Math.min(...records.map(({ ttl }) => ttl)),
        });
      };
      try {
        if (family === 4) this.channel.resolve4(name, { ttl: true }, done);
        else this.channel.resolve6(name, { ttl: true }, done);
      } catch (error) {
        end(failure((error as NodeJS.ErrnoException).code ?? 'EBADNAME', this.address));
      }
    });
  }
}

/**
 * Asks the resolver of the C library. The lookup occupies one of the few threads of the process until it is answered.
 */
export async function askSystem(name: string): Promise<Answer> {
  try {
    const found = await systemLookup(name, { all: true, order: 'verbatim' });
    return { kind: 'found', addresses: found.map(({ address }) => address), ttl: SYSTEM_TTL_S };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { kind: code === 'ENOTFOUND' ? 'missing' : 'failed', reason: message };
  }
}

function failure(code: string, server: string): FamilyAnswer {
  if (code === 'ENOTFOUND') return { kind: 'missing', reason: 'no such name' };
  if (code === 'ENODATA' || code === 'EBADNAME') return { kind: 'missing', reason: 'no address' };
  const silent = code === 'ETIMEOUT' || code === 'ECONNREFUSED' || code === 'ECANCELLED';
  return { kind: 'failed', reason: `${server} answered ${code}`, silent };
}

/** The addresses of one family, with a short TTL because those of the other family were only late. */
function halfOf(answer: FamilyAnswer): FamilyAnswer {
  return answer.kind === 'found' ? { ...answer, ttl: Math.min(answer.ttl, HALF_TTL_S) } : answer;
}

function joined(one: FamilyAnswer, two: FamilyAnswer): FamilyAnswer {
  if (one.kind === 'found' && two.kind === 'found') {
    return { kind: 'found', addresses: [...one.addresses, ...two.addresses], ttl: Math.min(one.ttl, two.ttl) };
  }
  if (one.kind === 'found' || two.kind === 'found') return one.kind === 'found' ? one : two;
  return one.kind === 'failed' ? one : two;
}

function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, milliseconds, null)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
