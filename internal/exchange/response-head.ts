import { CHUNKED, type Fields, type Framing, mayHaveContent, NO_BODY, reasonPhrase } from '../message/index.ts';
import type { BodyStage } from './body-stage.ts';

/** Fields that are true of the exact bytes of a body alone (RFC 9110 §8.6, §14.3; RFC 9530 §2, §3). */
const OF_EXACT_BYTES: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-length',
  'content-md5',
  'digest',
  'repr-digest',
]);

/** Removes the fields that are true of the exact bytes of a body alone: for the trailers of one that was changed. */
export function removeDigests(fields: Fields): void {
  fields.removeAll(OF_EXACT_BYTES);
}

/** The head of a response that nothing of was sent yet, as filters may change it. */
export class ResponseHead {
  /** Change it with `setStatus`. */
  status: number;
  reason: string;
  readonly fields: Fields;
  /** Of the body that follows, as the session is to send it: see `Exchange.respond`. */
  framing: Framing;
  /** The request was a HEAD: fields say what a GET would get, and no body follows. */
  readonly toHead: boolean;
  /** Stages in the order in which the body goes through them; null while there are none. */
  stages: BodyStage[] | null = null;
  /** The message that came has no body, whatever status it is sent with. */
  private readonly empty: boolean;

  constructor(status: number, reason: string, fields: Fields, framing: Framing, toHead: boolean) {
    this.status = status;
    this.reason = reason;
    this.fields = fields;
    this.framing = framing;
    this.toHead = toHead;
    this.empty = !mayHaveContent(status);
  }

  /** True when bytes of a body follow this head. */
  get hasBody(): boolean {
    return !this.toHead && !this.empty && mayHaveContent(this.status) && this.framing !== NO_BODY;
  }

  /** Answers with another final status, from 200 to 599, and its usual reason phrase. */
  setStatus(status: number): void {
    if (!Number.isInteger(status) || status < 200 || status > 599)
      throw new RangeError(`not a final status: ${status}`);
    this.status = status;
    this.reason = reasonPhrase(status);
    if (!this.empty || !mayHaveContent(status)) return;
    // RFC 9110 §15.4.5: the fields of a 304 tell of a body that does not come with it.
    this.fields.remove('content-length');
    this.framing = NO_BODY;
  }

  /** Sends the body through a stage that passes every byte on as it is. It is made only when a body follows. */
  addStage(make: () => BodyStage): void {
    if (this.hasBody) (this.stages ??= []).push(make());
  }

  /**
   * Sends the body through a stage that changes it: what is true of the old bytes alone is removed from the fields, and
   * the length is not known any more. ETag and Last-Modified are left to the filter.
   */
  transformBody(make: () => BodyStage): void {
    removeDigests(this.fields);
    if (this.framing !== NO_BODY || this.toHead) this.framing = CHUNKED;
    this.addStage(make);
  }
}
