import {
  compileFieldValue,
  type Exchange,
  type Filter,
  type ResponseHead,
  type Template,
} from '../../exchange/index.ts';
import type { Pair, ResponseHeadersConfig } from './build.ts';
import { matchesStatus } from '../../config/index.ts';
import { matchesType } from './condition.ts';

/** Changes every response. */
export class ResponseHeadersFilter implements Filter {
  private readonly edit: HeadEdit;

  constructor(config: ResponseHeadersConfig) {
    this.edit = new HeadEdit(config);
  }

  onResponse(exchange: Exchange, response: ResponseHead): void {
    this.edit.apply(exchange, response);
  }
}

/** Changes the responses of upstreams, before filters of `onResponse` see them. */
export class UpstreamHeadersFilter implements Filter {
  private readonly edit: HeadEdit;

  constructor(config: ResponseHeadersConfig) {
    this.edit = new HeadEdit(config);
  }

  onUpstreamResponse(exchange: Exchange, response: ResponseHead): null {
    this.edit.apply(exchange, response);
    return null;
  }
}

interface Line {
  readonly name: string;
  readonly value: Template<Exchange>;
}

/** Changes a head: add, remove, set, set if absent, rename, in this order; then the status. */
class HeadEdit {
  private readonly config: ResponseHeadersConfig;
  private readonly add: readonly Line[];
  private readonly set: readonly Line[];
  private readonly setNotExists: readonly Line[];
  /** Names to remove, in lower case, with those that are set right afterwards. Null for none. */
  private readonly removed: ReadonlySet<string> | null;

  constructor(config: ResponseHeadersConfig) {
    this.config = config;
    this.add = config.add.map(lineOf);
    this.set = config.set.map(lineOf);
    this.setNotExists = config.setNotExists.map(lineOf);
    const names = [...config.remove, ...config.set.map(([name]) => name)].map((name) => name.toLowerCase());
    this.removed = names.length === 0 ? null : new Set(names);
  }

  apply(exchange: Exchange, head: ResponseHead): void {
    const { whenStatus, whenType, rename, status } = this.config;
    const { fields } = head;
    if (whenStatus !== null && !matchesStatus(whenStatus, head.status)) return;
    if (whenType !== null && !matchesType(whenType, fields.get('content-type'))) return;
    for (const { name, value } of this.add) fields.append(name, value.constant ?? value.render(exchange));
    if (this.removed !== null) fields.removeAll(this.removed);
    for (const { name, value } of this.set) fields.append(name, value.constant ?? value.render(exchange));
    for (const { name, value } of this.setNotExists) {
      if (!fields.has(name)) fields.append(name, value.constant ?? value.render(exchange));
    }
    for (const [from, to] of rename) fields.rename(from, to);
    if (status !== null) head.setStatus(status);
  }
}

function lineOf([name, value]: Pair): Line {
  return { name, value: compileFieldValue(value) };
}
