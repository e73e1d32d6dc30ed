import type { ServeConfig } from '../../config/index.ts';
import { type Action, type Exchange, reasonPhrase } from '../../exchange/index.ts';
import { Fields, NO_BODY } from '../../http1/index.ts';
import { FileAnswer } from './file-answer.ts';
import { type FileSource, FileTree, SingleFile } from './file-source.ts';

/**
 * Answers GET and HEAD with files: one file, or the files below a root.
 *
 *     ServeAction ─> FileAnswer        one request: conditions, ranges, codings (RFC 9110 §12 to §15)
 *                      ├─ FileSource   path to file: mapPath (pure), ServeRoot (nothing leads out)
 *                      └─ sendFileBody file to client, at the client's pace
 *
 * A folder answers with its index.html, never with a listing; asked for without a slash at the end, with a 308 to the path
 * with one. Hidden files are not there (see `mapPath`). Any other method is a 405; a request body is left unread.
 * @param route the path patterns of the route, whose prefix is stripped
 */
export function createServeAction(config: ServeConfig, route: { readonly pathPatterns: readonly string[] }): Action {
  if (config.file !== null) return new ServeAction(new SingleFile(config.file));
  if (config.root !== null) return new ServeAction(new FileTree(config.root, route.pathPatterns));
  throw new TypeError('a serve action needs root or file');
}

class ServeAction implements Action {
  readonly #source: FileSource;

  constructor(source: FileSource) {
    this.#source = source;
  }

  handle(exchange: Exchange): void {
    if (exchange.method === 'GET' || exchange.method === 'HEAD') {
      void new FileAnswer(exchange, this.#source).run();
      return;
    }
    // Not by `fail`, as a 405 has to say what is allowed (RFC 9110 §15.5.6).
    exchange.respond(405, reasonPhrase(405), Fields.of([['Allow', 'GET, HEAD']]), NO_BODY);
    exchange.end(null);
  }
}
