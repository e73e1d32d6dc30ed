import { formatAccessRecord } from './access-line.ts';
import type { AccessRecord } from './access-record.ts';
import type { LogFile } from './log-file.ts';

/** Writes access records to a file, one JSON object a line. It holds no state: closing is the file's business. */
export class AccessLog {
  readonly #file: LogFile;

  constructor(file: LogFile) {
    this.#file = file;
  }

  /** Formats the record in this call, so that the caller may reuse it at once. Never blocks, never throws. */
  write(record: AccessRecord): void {
    this.#file.write(formatAccessRecord(record));
  }
}
