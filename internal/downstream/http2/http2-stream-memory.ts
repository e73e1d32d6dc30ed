import { Fields } from '../../message/index.ts';
import { SessionRecords } from '../session-records.ts';

/** What a stream works with and is dear to make: a session gives it to one stream after another. */
export class Http2StreamMemory {
  readonly records = new SessionRecords();
  readonly requestFields = new Fields();
}
