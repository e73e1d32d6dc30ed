import { formatAccessRecord } from './access-line.ts';
import { formatGoAccessRecord } from './access-line-go.ts';
import type { AccessRecord } from './access-record.ts';
import type { LogFile } from './log-file.ts';

/** How the lines of an access log look. */
export type AccessFormat = 'json' | 'prox-go';

/** Writes access records to a file, one JSON object a line. It holds no state: closing is the file's business. */
export class AccessLog {
  readonly #file: LogFile;
  readonly #format: (record: AccessRecord) => string;

  constructor(file: LogFile, format: AccessFormat = 'json') {
    this.#file = file;
    this.#format = format === 'json' ? formatAccessRecord : formatGoAccessRecord;
  }

  /** Formats the record in this call, so that the caller may reuse it at once. Never blocks, never throws. */
  write(record: AccessRecord): void {
    const line = this.#format(record);
    if (line !== '') this.#file.write(line);
  }
}
