import type { Exchange, Filter, ResponseHead } from '../../exchange/index.ts';
import { forbidsTransform, MediaTypes, WantedNames } from '../../message/index.ts';
import { compilePattern, type Pattern } from './regex-engine.ts';
import type { Replacer } from './replacer.ts';
import { compileRule, type Rule } from './rule.ts';
import { matchesStatus, type StatusRange } from '../../config/index.ts';
import { SubstitutionStage } from './substitution-stage.ts';

/** The checked config of the `sub_filter` middleware. */
export interface SubFilterConfig {
  /** The rules in the order in which they are applied. */
  readonly rules: readonly Rule[];
  /** A regular expression that the path of the request must match; null for any path. */
  readonly path: string | null;
  /** Statuses of the responses to change; null for all. */
  readonly statuses: readonly StatusRange[] | null;
  /** See MediaTypes. */
  readonly types: readonly string[];
}

const RESPONSE_NAMES = new WantedNames(['content-type', 'content-encoding', 'content-range', 'cache-control']);

/** Replaces text in the bodies of responses. */
export class SubFilter implements Filter {
  private readonly rules: readonly (() => Replacer)[];
  private readonly path: Pattern | null;
  private readonly statuses: readonly StatusRange[] | null;
  private readonly types: MediaTypes;

  constructor(config: SubFilterConfig) {
    this.rules = config.rules.map(compileRule);
    this.path = config.path === null ? null : compilePattern(config.path, false);
    this.statuses = config.statuses;
    this.types = new MediaTypes(config.types);
  }

  /** Asks the upstream for a body without a coding, as text cannot be found in an encoded one. */
  onRequest(exchange: Exchange): null {
    if (this.isMeant(exchange) && exchange.requestFields.has('accept-encoding')) {
      exchange.editRequest().requestFields.set('Accept-Encoding', 'identity');
    }
    return null;
  }

  onResponse(exchange: Exchange, response: ResponseHead): void {
    const { fields, status } = response;
    // RFC 9110 §15.3.7: a 206 is a part of a body, and a text may begin before it. A 304 has no body.
    if (
      status === 206 ||
      status === 204 ||
      status === 304 ||
      !(response.toHead || response.hasBody) ||
      !this.isMeant(exchange)
    )
      return;
    if (this.statuses !== null && !matchesStatus(this.statuses, status)) return;
    const values = fields.listsOf(RESPONSE_NAMES);
    if (values === null) return;
    const [type, encoding, range, cacheControl] = values;
    if (type === null || !this.types.has(type) || range !== null) return;
    if (encoding !== null && encoding !== '' && encoding.toLowerCase() !== 'identity') return;
    if (forbidsTransform(cacheControl)) return;
    // Both describe the upstream's body and would stay the same after a change of the rules.
    fields.remove('etag');
    fields.remove('last-modified');
    response.transformBody(() => new SubstitutionStage(this.rules.map((make) => make())));
  }

  private isMeant(exchange: Exchange): boolean {
    return this.path === null || this.path.matcher(exchange.path).find();
  }
}
