import { formatAccessRecord } from './access-line.ts';
import { formatGoAccessRecord } from './access-line-go.ts';
import type { AccessRecord } from './access-record.ts';
import type { LogFile } from './log-file.ts';

/** The format of the lines of an access log. */
export type AccessFormat = 'json' | 'prox-go';

/** Writes access records to a file, one JSON object per line. It has no state; the owner of the file closes it. */
export class AccessLog {
  readonly #file: LogFile;
  readonly #format: (record: AccessRecord) => string;

  constructor(file: LogFile, format: AccessFormat = 'json') {
    this.#file = file;
    this.#format = format === 'json' ? formatAccessRecord : formatGoAccessRecord;
  }

  /** Formats the record during this call, so that the caller may reuse it at once. Never blocks and never throws. */
  write(record: AccessRecord): void {
    const line = this.#format(record);
    if (line !== '') this.#file.write(line);
  }
}
