import { MemoryExchange, type MemoryRequest } from '../../exchange/testing/memory-exchange.ts';
import { answerWithFile } from '../file-answer.ts';
import { FileCache } from '../file-cache.ts';
import type { FileSource } from '../file-source.ts';
import type { OpenFile } from '../open-file.ts';
import { ServedFiles } from '../served-files.ts';
import { LASTING_CACHE } from './serve-cache.ts';

/** Files with a clock that only the test advances, and a count of the opened files. */
export class WatchedFiles {
  time = 0;
  opened: string[] = [];
  readonly files: ServedFiles;
  /** Called after a file was opened, before anything else is done with it. */
  onOpen: (name: string, opened: OpenFile) => void = () => {};
  /** While set, the disk does not answer until this resolves, and fails if it rejects. */
  disk: Promise<void> | null = null;

  constructor(source: FileSource, limits = { ...LASTING_CACHE, maxAge: 1000 }) {
    const watched: FileSource = {
      nameOf: (path) => source.nameOf(path),
      pathOf: (name) => source.pathOf(name),
      open: async (name) => {
        this.opened.push(name);
        if (this.disk !== null) await this.disk;
        const opened = await source.open(name);
        this.onOpen(name, opened);
        return opened;
      },
    };
    this.files = new ServedFiles(watched, limits, new FileCache(limits, () => this.time));
  }

  async get(path: string, request: MemoryRequest = {}): Promise<MemoryExchange> {
    const exchange = new MemoryExchange({ path, ...request });
    await answerWithFile(exchange, this.files);
    if (exchange.violations.length > 0) throw new Error(exchange.violations.join('; '));
    return exchange;
  }

  /** The status, the body, and the files that were opened for the answer. */
  async look(path: string, request: MemoryRequest = {}): Promise<[number, string, string[]]> {
    this.opened = [];
    const { status, body } = await this.get(path, request);
    return [status, body.toString('latin1'), this.opened];
  }

  /** The body of an answer that needs no waiting, or null. */
  now(path: string, request: MemoryRequest = {}): string | null {
    const exchange = new MemoryExchange({ path, ...request });
    return answerWithFile(exchange, this.files) === null ? exchange.body.toString('latin1') : null;
  }
}
