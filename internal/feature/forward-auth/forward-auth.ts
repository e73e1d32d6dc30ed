import { ProxyError } from '../../base/index.ts';
import {
  Answer,
  type Decision,
  type Exchange,
  type Filter,
  type ResponseHead,
  Run,
  type Slot,
  type Verdict,
} from '../../exchange/index.ts';
import { CHUNKED, type FieldNames, type Fields } from '../../message/index.ts';
import type { OwnRequest, OwnResponse, UpstreamClient } from '../../upstream/index.ts';
import { addedNames, TrailerGuard } from './added-names.ts';
import { AuthRequestFields } from './auth-request.ts';
import type { ForwardAuthConfig } from './forward-auth-config.ts';

/** The parts that the filter needs from its plugin and the process. */
export interface ForwardAuthParts {
  /** Sends requests to the auth server. */
  readonly client: UpstreamClient;
  /** Holds the Set-Cookie lines of the auth server for the client. */
  readonly cookies: Slot<readonly string[]>;
  /** Logs that a request has passed because the auth server gave no answer. */
  notAsked(exchange: Exchange, error: ProxyError): void;
}

/** Limit for the answer that denies a request, which is held in memory as a whole: enough for a page with a login form. */
const MAX_RELAYED_BYTES = 1_048_576;

/** Time of a run beyond the configured timeout. The auth request itself ends on a coarse clock; this ends anything else that hangs. */
const RUN_SLACK_MS = 1000;

/**
 * How an auth server reacts to one request: it resets the stream, or its answer is malformed. A client can provoke that, as
 * with more fields than the server takes, so it is no reason to let the request pass.
 */
const REACTIONS: ReadonlySet<string> = new Set(['bad_response', 'upstream_reset']);

/** The body of the answer to a request that was not decided. */
const NOT_ASKED = 'Forward auth request failed\n';

/**
 * Asks another server whether a request may pass.
 *
 *     request ──> auth request ──2xx──> the fields of add_headers are set, the request goes on
 *                      ├──any other status──> the client gets that answer
 *                      └──no answer──> 502, or with `fail: "open"` the request goes on
 */
export class ForwardAuth implements Filter {
  private readonly config: ForwardAuthConfig;
  private readonly parts: ForwardAuthParts;
  private readonly fields: AuthRequestFields;
  /** Names that no client may set; null if `add_headers` is empty. */
  private readonly added: FieldNames | null;

  constructor(config: ForwardAuthConfig, parts: ForwardAuthParts) {
    this.config = config;
    this.parts = parts;
    this.fields = new AuthRequestFields(config.requestHeaders);
    this.added = config.addHeaders.length === 0 ? null : addedNames(config.addHeaders);
  }

  onRequest(exchange: Exchange): Verdict {
    // Made now: the received fields are valid only as long as the exchange lasts.
    const request: OwnRequest = { method: 'GET', target: this.config.target, fields: this.fields.of(exchange) };
    this.disown(exchange);
    return new Run(this.config.timeout + RUN_SLACK_MS, (signal) => this.ask(exchange, request, signal));
  }

  onResponse(exchange: Exchange, response: ResponseHead): void {
    for (const cookie of this.parts.cookies.get(exchange) ?? []) response.fields.append('Set-Cookie', cookie);
  }

  /** Removes the fields that only the auth server may set, even if it does not set them or gives no answer. */
  private disown(exchange: Exchange): void {
    if (this.added === null) return;
    const effective = exchange.editRequest();
    effective.requestFields.removeAll(this.added);
    // In HTTP/2 trailers may follow a body of known length, too.
    const mayTrail = exchange.requestFraming === CHUNKED || exchange.protocol === 'HTTP/2.0';
    if (mayTrail) effective.addStage(new TrailerGuard(this.added));
  }

  private async ask(exchange: Exchange, request: OwnRequest, signal: AbortSignal): Promise<Decision> {
    const { timeout } = this.config;
    let denied = false;
    const wantsBody = (status: number): boolean => (denied = !isPass(status));
    let answer: OwnResponse;
    try {
      const bounds = { timeout, maxBodyBytes: MAX_RELAYED_BYTES, wantsBody, signal };
      answer = await this.parts.client.send(request, bounds);
    } catch (thrown) {
      signal.throwIfAborted();
      // The auth server has denied the request: a missing rest of its answer must not let the request pass.
      return this.fail(exchange, ProxyError.from(thrown), denied);
    }
    // The exchange may have ended between the answer and this turn.
    signal.throwIfAborted();
    if (!isPass(answer.status)) return relayed(answer);
    this.pass(exchange, answer);
    return null;
  }

  private pass(exchange: Exchange, { fields }: OwnResponse): void {
    if (this.added !== null) {
      const effective = exchange.editRequest();
      for (const name of this.config.addHeaders) {
        const value = fields.get(name);
        if (value !== null) effective.requestFields.append(name, value);
      }
    }
    if (fields.has('set-cookie')) this.parts.cookies.set(exchange, cookiesOf(fields));
  }

  /** @throws ProxyError auth_failed unless `fail: "open"` lets the request pass */
  private fail(exchange: Exchange, cause: ProxyError, denied: boolean): Decision {
    const upstream = this.parts.client.peer.text;
    const error = new ProxyError('auth_failed', `no verdict: ${cause.message}`, { cause, upstream, text: NOT_ASKED });
    if (denied || this.config.fail === 'closed' || REACTIONS.has(cause.code)) throw error;
    this.parts.notAsked(exchange, error);
    return null;
  }
}

function isPass(status: number): boolean {
  return status >= 200 && status < 300;
}

/** The values of Set-Cookie, one for each line, as they cannot be joined to a list (RFC 6265 §3). */
function cookiesOf(fields: Fields): string[] {
  const cookies: string[] = [];
  for (const [name, value] of fields.entries()) if (name.toLowerCase() === 'set-cookie') cookies.push(value);
  return cookies;
}

/** The answer of the auth server for the client. The session frames the body anew. */
function relayed({ status, fields, body }: OwnResponse): Answer {
  fields.remove('content-length');
  fields.remove('trailer');
  return new Answer(status, fields, body);
}
