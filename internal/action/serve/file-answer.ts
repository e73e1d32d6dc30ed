import { ProxyError } from '../../base/index.ts';
import { type Exchange, reasonPhrase } from '../../exchange/index.ts';
import { Fields, NO_BODY } from '../../http1/index.ts';
import { type ByteRange, contentRange, parseRanges } from './byte-ranges.ts';
import { evaluatePreconditions, ifRangeHolds, Precondition } from './conditional.ts';
import { contentTypeOf } from './content-type.ts';
import { type BodyPart, sendFileBody } from './file-body.ts';
import { type FileSource, type FoundFile, siblingCodings } from './file-source.ts';
import { layOutMultipart } from './multipart.ts';
import { fileError, type OpenFile } from './open-file.ts';
import { PacedResponse } from './paced-response.ts';
import { chooseCodings, mayHaveSiblings } from './precompressed.ts';
import { readConditions, type RequestConditions } from './request-conditions.ts';
import { validatorLines, validatorsOf } from './validators.ts';

/** The representation that was chosen for a request (RFC 9110 §3.2). */
interface Representation {
  readonly opened: OpenFile;
  readonly contentType: string;
  /** Empty for the original. */
  readonly coding: string;
  /** `Vary` as a field line, or empty. */
  readonly varyLine: string;
}

/** Answers one GET or HEAD with a file, and closes the file whatever happens. */
export class FileAnswer {
  readonly #exchange: Exchange;
  readonly #response: PacedResponse;
  readonly #source: FileSource;
  #opened: OpenFile | null = null;

  constructor(exchange: Exchange, source: FileSource) {
    this.#exchange = exchange;
    this.#response = new PacedResponse(exchange);
    this.#source = source;
  }

  /** Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#answer();
    } catch (error) {
      // Once the client is gone, there is nobody to tell.
      if (!this.#response.aborted) this.#exchange.fail(toProxyError(error, this.#exchange.path));
    }
    try {
      await this.#close();
    } catch {
      // The response is over, and it does not depend on how a file that was only read is closed.
    }
  }

  async #answer(): Promise<void> {
    const exchange = this.#exchange;
    const conditions = readConditions(exchange.requestFields);
    const found = await this.#source.find(exchange.path);
    if (found === null) {
      if (!this.#response.aborted) redirectToFolder(exchange);
      return;
    }
    this.#opened = found.opened;
    const representation = await this.#choose(found, conditions);
    if (!this.#response.aborted) await this.#send(representation, conditions);
  }

  /** Proactive negotiation (RFC 9110 §12.1) between the file and its compressed siblings. */
  async #choose(found: FoundFile, conditions: RequestConditions): Promise<Representation> {
    const contentType = contentTypeOf(found.path);
    const original = { opened: found.opened, contentType, coding: '', varyLine: '' };
    if (this.#response.aborted || !mayHaveSiblings(contentType)) return original;
    const available = await siblingCodings(found);
    const varyLine = available.length === 0 ? '' : 'Vary: Accept-Encoding\r\n';
    for (const { name, extension } of chooseCodings(conditions.acceptEncoding, available)) {
      const opened = await openOrNull(found, extension);
      if (opened === null) continue;
      await this.#close();
      this.#opened = opened;
      return { opened, contentType, coding: name, varyLine };
    }
    return { ...original, varyLine };
  }

  async #send(representation: Representation, conditions: RequestConditions): Promise<void> {
    const { opened, contentType, coding, varyLine } = representation;
    const now = Date.now();
    const size = Number(opened.state.size);
    const validators = validatorsOf(opened.state, coding, now);
    const outcome = evaluatePreconditions(conditions, validators, now);
    if (outcome === Precondition.failed) return this.#respondWithoutBody(412, varyLine);
    if (outcome === Precondition.notModified) {
      // RFC 9110 §15.4.5: what guides caches, and nothing that repeats the representation.
      return this.#respondWithoutBody(304, validatorLines(validators, false) + varyLine);
    }
    const encodingLine = coding === '' ? '' : `Content-Encoding: ${coding}\r\n`;
    const lines = `${encodingLine}${validatorLines(validators, true)}Accept-Ranges: bytes\r\n${varyLine}`;
    // RFC 9110 §14.2: Range is defined for GET alone.
    const range =
      this.#exchange.method === 'GET' && ifRangeHolds(conditions, validators, now) ? conditions.range : null;
    const ranges = range === null ? null : parseRanges(range, size);
    if (ranges === null) {
      await this.#sendBody(200, contentType, lines, size, [{ text: null, start: 0, end: size }]);
    } else if (ranges.length === 0) {
      this.#respondWithoutBody(416, `Content-Range: bytes */${size}\r\nAccept-Ranges: bytes\r\n${varyLine}`);
    } else {
      await this.#sendRanges(ranges, contentType, lines, size);
    }
  }

  async #sendRanges(ranges: readonly ByteRange[], contentType: string, lines: string, size: number): Promise<void> {
    if (ranges.length === 1) {
      const [range] = ranges;
      const rangeLine = `Content-Range: ${contentRange(range, size)}\r\n`;
      await this.#sendBody(206, contentType, lines + rangeLine, range.end - range.start, [{ text: null, ...range }]);
      return;
    }
    const multipart = layOutMultipart(ranges, size, contentType);
    await this.#sendBody(206, multipart.contentType, lines, multipart.length, multipart.parts);
  }

  async #sendBody(
    status: number,
    contentType: string,
    lines: string,
    length: number,
    parts: readonly BodyPart[],
  ): Promise<void> {
    const exchange = this.#exchange;
    const opened = this.#opened as OpenFile;
    const respond = (): void => {
      exchange.respond(status, reasonPhrase(status), linesToFields(`Content-Type: ${contentType}\r\n${lines}`), length);
    };
    const body = exchange.method === 'HEAD' || length === 0 ? [] : parts;
    await sendFileBody(exchange, this.#response, opened, body, respond);
  }

  #respondWithoutBody(status: number, lines: string): void {
    this.#exchange.respond(status, reasonPhrase(status), linesToFields(lines), NO_BODY);
    this.#exchange.end(null);
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.close();
  }
}

/** The sibling, or null when it cannot be opened after all: there is the original. */
async function openOrNull(found: FoundFile, extension: string): Promise<OpenFile | null> {
  try {
    return await found.openSibling(extension);
  } catch {
    return null;
  }
}

/**
 * 308 to the same path with a slash at its end. The path may begin with several slashes, and `//evil.example` would
 * be another host (RFC 3986 §4.2): one is left.
 */
function redirectToFolder(exchange: Exchange): void {
  const path = exchange.path.replace(/^\/+/, '/');
  const fields = Fields.of([['Location', `${path}/${exchange.query}`]]);
  exchange.respond(308, reasonPhrase(308), fields, NO_BODY);
  exchange.end(null);
}

/** All lines are made here, from numbers, dates and the table of media types. */
function linesToFields(lines: string): Fields {
  const fields = new Fields();
  fields.appendLines(lines);
  return fields;
}

function toProxyError(thrown: unknown, path: string): ProxyError {
  const ofFileSystem = thrown instanceof Error && 'syscall' in thrown;
  return ofFileSystem ? fileError(thrown, path) : ProxyError.from(thrown);
}
