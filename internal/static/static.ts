import type { ResourceConfig, StaticConfig } from '../config/index.ts';
import {
  type Action,
  compileFieldValue,
  compileTemplate,
  type Exchange,
  EXCHANGE_PLACEHOLDERS,
  FILE_PLACEHOLDERS,
  type Template,
} from '../exchange/index.ts';
import { EMPTY_RESPONSE_DROP, fieldIdOf, Fields, mayHaveContent, NO_BODY, reasonPhrase } from '../message/index.ts';
import { escapeFor } from './body-escape.ts';

/**
 * Makes an action that answers with a configured status, headers and body. Header values, and bodies that are not
 * `raw`, may contain placeholders (see EXCHANGE_PLACEHOLDERS). Everything without a placeholder is built here, once.
 *
 * Without a configured Content-Type, the one of the resource is sent. 204, 205 and 304 have no body (RFC 9110 §15). The
 * body of a request is not read. Fields that belong to the connection or to the framing are not sent (RFC 9110 §7.6.1,
 * RFC 9112 §6).
 * @throws TypeError if a header name is not a token
 */
export function createStaticAction(config: StaticConfig): Action {
  return new StaticAction(config);
}

/** A header value that is computed for each request. */
interface DynamicField {
  readonly name: string;
  readonly value: Template<Exchange>;
}

class StaticAction implements Action {
  readonly #status: number;
  readonly #reason: string;
  /** The fields that never change; each answer gets a copy. */
  readonly #fields = new Fields();
  readonly #dynamic: readonly DynamicField[];
  /** Null for no body. */
  readonly #body: Buffer | Template<Exchange> | null;

  constructor(config: StaticConfig) {
    this.#status = config.status;
    this.#reason = reasonPhrase(config.status);
    const compiled = Object.entries(config.headers)
      .filter(([name]) => EMPTY_RESPONSE_DROP[fieldIdOf(name)] === 0)
      .map(([name, value]) => ({ name, value: compileFieldValue(value) }));
    const configuredType = compiled.find(({ name }) => name.toLowerCase() === 'content-type');
    const resource = mayHaveContent(config.status) ? config.body : null;

    if (configuredType === undefined && resource !== null) this.#fields.append('Content-Type', resource.contentType);
    for (const { name, value } of compiled) {
      // append also checks the names of dynamic fields, so that an invalid one fails when the config is loaded and not
      // with a request.
      if (value.constant === null) new Fields().append(name, '');
      else this.#fields.append(name, value.constant);
    }
    this.#dynamic = compiled.filter(({ value }) => value.constant === null);
    this.#body =
      resource === null
        ? null
        : compileBody(resource, configuredType === undefined ? resource.contentType : configuredType.value.constant);
  }

  handle(exchange: Exchange): void {
    const fields = this.#fields.copy();
    for (const { name, value } of this.#dynamic) fields.append(name, value.render(exchange));
    const template = this.#body;
    const body =
      template === null || Buffer.isBuffer(template) ? template : Buffer.from(template.render(exchange), 'utf8');
    exchange.respond(this.#status, this.#reason, fields, body === null ? NO_BODY : body.length);
    if (body !== null && body.length > 0 && exchange.method !== 'HEAD') exchange.write(body, 0, body.length);
    exchange.end(null);
  }
}

/** @param contentType the Content-Type of the body; null if a placeholder decides it for each request */
function compileBody(resource: ResourceConfig, contentType: string | null): Buffer | Template<Exchange> {
  const bytes = Buffer.from(resource.body.buffer, resource.body.byteOffset, resource.body.byteLength);
  if (resource.raw || !bytes.includes('{')) return bytes;
  const placeholders = resource.kind === 'file' ? FILE_PLACEHOLDERS : EXCHANGE_PLACEHOLDERS;
  const template = compileTemplate(bytes.toString('utf8'), placeholders, {
    value: escapeFor(resource.kind, contentType),
  });
  return template.constant === null ? template : bytes;
}
