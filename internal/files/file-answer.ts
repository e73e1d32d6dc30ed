import { ProxyError } from '../base/index.ts';
import { type Exchange } from '../exchange/index.ts';
import { Fields, NO_BODY, reasonPhrase } from '../message/index.ts';
import { type AnswerPlan, planAnswer, wholeAnswer } from './answer-plan.ts';
import type { CachedFile } from './cached-file.ts';
import { respondWith, sendContent, sendHead } from './content-sender.ts';
import { sendFileBody } from './file-body.ts';
import { fileError, type OpenFile } from './open-file.ts';
import { PacedResponse } from './paced-response.ts';
import { Representation } from './representation.ts';
import { readConditions, type RequestConditions } from './request-conditions.ts';
import type { ServedFiles } from './served-files.ts';
import { isSameState } from './validators.ts';

/**
 * Answers a GET or HEAD with a file: at once if the file is in memory (returns null), otherwise after a check of the
 * disk. Errors of the file are never thrown.
 * @returns resolves when everything is over and the file is closed; never rejects
 */
export function answerWithFile(exchange: Exchange, files: ServedFiles): Promise<void> | null {
  let name: string;
  try {
    name = files.source.nameOf(exchange.path);
  } catch (error) {
    exchange.fail(ProxyError.from(error));
    return null;
  }
  const conditions = readConditions(exchange.requestFields);
  const file = files.fresh(name);
  if (file !== null) {
    const [representation] = file.ranked(conditions.acceptEncoding);
    if (answerFromMemory(exchange, files, file, representation, conditions)) return null;
  }
  return new FileAnswer(exchange, files, name, conditions).run();
}

/** Answers from memory, if that is possible. */
function answerFromMemory(
  exchange: Exchange,
  files: ServedFiles,
  file: CachedFile,
  representation: Representation,
  conditions: RequestConditions,
): boolean {
  const plan = planFor(exchange, conditions, representation);
  if (plan.parts.length === 0) {
    sendHead(exchange, plan);
    return true;
  }
  const { content } = representation;
  if (content === null) return false;
  sendContent(exchange, plan, content, file, files.cache);
  return true;
}

function planFor(exchange: Exchange, conditions: RequestConditions, representation: Representation): AnswerPlan {
  const { method } = exchange;
  return conditions.whole
    ? wholeAnswer(method, representation)
    : planAnswer(method, conditions, representation, Date.now());
}

/** An answer that needs the disk. The file is closed in any case. */
class FileAnswer {
  readonly #exchange: Exchange;
  readonly #response: PacedResponse;
  readonly #files: ServedFiles;
  readonly #name: string;
  readonly #conditions: RequestConditions;

  constructor(exchange: Exchange, files: ServedFiles, name: string, conditions: RequestConditions) {
    this.#exchange = exchange;
    this.#response = new PacedResponse(exchange);
    this.#files = files;
    this.#name = name;
    this.#conditions = conditions;
  }

  /** Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#answer();
    } catch (error) {
      // If the client has left, no answer is possible.
      if (!this.#response.aborted) this.#exchange.fail(toProxyError(error, this.#exchange.path));
    }
  }

  async #answer(): Promise<void> {
    const file = this.#files.fresh(this.#name) ?? (await this.#files.look(this.#name));
    if (this.#response.aborted) return;
    if (file === null) return redirectToFolder(this.#exchange);
    // Proactive negotiation (RFC 9110 §12.1). The last representation is the original, which is sent or fails.
    for (const representation of file.ranked(this.#conditions.acceptEncoding)) {
      if (await this.#answerWith(file, representation)) return;
    }
  }

  /** Returns false if a sibling can no longer be opened. */
  async #answerWith(file: CachedFile, representation: Representation): Promise<boolean> {
    await this.#files.fill(file, representation);
    if (this.#response.aborted) return true;
    if (answerFromMemory(this.#exchange, this.#files, file, representation, this.#conditions)) return true;
    const opened = await this.#open(representation);
    if (opened === null) return false;
    try {
      if (!this.#response.aborted) await this.#sendFile(opened, representation);
    } finally {
      await opened.close();
    }
    return true;
  }

  async #open({ coding, extension }: Representation): Promise<OpenFile | null> {
    const name = this.#name + extension;
    try {
      const opened = await this.#files.source.open(name);
      if (opened.kind === 'file') return opened;
      await opened.close();
      throw new ProxyError('not_found', `${this.#files.source.pathOf(name)} is not a regular file any more`);
    } catch (error) {
      if (coding === null) throw error;
      return null;
    }
  }

  async #sendFile(opened: OpenFile, expected: Representation): Promise<void> {
    const { coding, contentType, varies } = expected;
    const representation = isSameState(opened.state, expected.state)
      ? expected
      : new Representation(opened.state, coding, contentType, varies, Date.now());
    const plan = planFor(this.#exchange, this.#conditions, representation);
    await sendFileBody(this.#exchange, this.#response, opened, plan.parts, () => respondWith(this.#exchange, plan));
  }
}

/**
 * Redirects (308) to the same path with a slash at its end; without it, relative links of the folder would be wrong.
 * The path may begin with several slashes, and `//evil.example` would be another host (RFC 3986 §4.2), so only one is
 * kept.
 */
function redirectToFolder(exchange: Exchange): void {
  if (exchange.path.endsWith('/')) {
    return exchange.fail(new ProxyError('not_found', `the index of ${exchange.path} is a folder`));
  }
  const path = exchange.path.replace(/^\/+/, '/');
  const fields = Fields.of([['Location', `${path}/${exchange.query}`]]);
  exchange.respond(308, reasonPhrase(308), fields, NO_BODY);
  exchange.end(null);
}

function toProxyError(thrown: unknown, path: string): ProxyError {
  const ofFileSystem = thrown instanceof Error && 'syscall' in thrown;
  return ofFileSystem ? fileError(thrown, path) : ProxyError.from(thrown);
}
