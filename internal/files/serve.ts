import type { ServeCacheConfig, ServeConfig } from '../config/index.ts';
import { type Action, type Exchange } from '../exchange/index.ts';
import { Fields, NO_BODY, type PathRules, reasonPhrase } from '../message/index.ts';
import { answerWithFile } from './file-answer.ts';
import { type FileSource, FileTree, SingleFile } from './file-source.ts';
import { ServedFiles } from './served-files.ts';

/**
 * Makes an action that answers GET and HEAD with files: one file, or the files below a root.
 *
 *     ServeAction ─> answerWithFile    one request: conditions, ranges, codings (RFC 9110 §12 to §15)
 *                      ├─ ServedFiles  what is kept in memory, and for how long
 *                      │    └─ FileSource   path to file: mapPath (pure), ServeRoot (nothing leads out)
 *                      ├─ sendContent  memory to client, at the client's pace
 *                      └─ sendFileBody file to client, at the client's pace
 *
 * For a folder it sends index.html, and never a listing. If the path of a folder has no slash at its end, it redirects
 * with 308 to the path with one. Hidden files do not exist for it (see `mapPath`). Any other method is a 405. It does
 * not read the body of a request.
 * @param route the path patterns of the route, whose prefix is removed, and how its service reads paths
 */
export function createServeAction(
  config: ServeConfig,
  route: { readonly pathPatterns: readonly string[]; readonly pathRules?: PathRules },
): Action {
  if (config.file !== null) return new ServeAction(new SingleFile(config.file), config.cache);
  if (config.root !== null) {
    return new ServeAction(new FileTree(config.root, route.pathPatterns, route.pathRules), config.cache);
  }
  throw new TypeError('a serve action needs root or file');
}

class ServeAction implements Action {
  private readonly files: ServedFiles;

  constructor(source: FileSource, cache: ServeCacheConfig) {
    this.files = new ServedFiles(source, cache);
  }

  handle(exchange: Exchange): void {
    if (exchange.method === 'GET' || exchange.method === 'HEAD') {
      void answerWithFile(exchange, this.files);
      return;
    }
    // Not by `fail`, because a 405 must say which methods are allowed (RFC 9110 §15.5.6).
    exchange.respond(405, reasonPhrase(405), Fields.of([['Allow', 'GET, HEAD']]), NO_BODY);
    exchange.end(null);
  }
}
