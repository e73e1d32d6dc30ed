import { CHUNKED, type Fields, type Framing, mayHaveContent, NO_BODY, reasonPhrase } from '../message/index.ts';
import type { BodyStage } from './body-stage.ts';

/** Fields that become untrue when any byte of the body changes (RFC 9110 §8.6, §14.3; RFC 9530 §2, §3). */
const OF_EXACT_BYTES: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-length',
  'content-md5',
  'digest',
  'repr-digest',
]);

/** Removes the fields that become untrue when a body changes. Used for the trailers of a changed body. */
export function removeDigests(fields: Fields): void {
  fields.removeAll(OF_EXACT_BYTES);
}

/** The head of a response, before any of it was sent. Filters may change it. */
export class ResponseHead {
  /** Change it with `setStatus`. */
  status: number;
  reason: string;
  readonly fields: Fields;
  /** How the session is to frame the body that follows: see `Exchange.respond`. */
  framing: Framing;
  /** The request was a HEAD: the fields are those of the answer to a GET, and no body follows. */
  readonly toHead: boolean;
  /** Stages in the order in which the body goes through them; null while there are none. */
  stages: BodyStage[] | null = null;
  /** The original status allows no body, so none follows even after `setStatus`. */
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
    // RFC 9110 §15.4.5: the fields of a 304 describe a body that does not come with it.
    this.fields.remove('content-length');
    this.framing = NO_BODY;
  }

  /** Sends the body through a stage that passes every byte on unchanged. `make` is called only if a body follows. */
  addStage(make: () => BodyStage): void {
    if (this.hasBody) (this.stages ??= []).push(make());
  }

  /**
   * Sends the body through a stage that changes it. Removes the fields that hold for the old bytes alone; the length is not
   * known any more. The filter itself decides about ETag and Last-Modified.
   */
  transformBody(make: () => BodyStage): void {
    removeDigests(this.fields);
    if (this.framing !== NO_BODY || this.toHead) this.framing = CHUNKED;
    this.addStage(make);
  }

  /** Frees what the stages hold: no body goes through them. */
  closeStages(): void {
    const { stages } = this;
    this.stages = null;
    for (const stage of stages ?? []) stage.close();
  }
}
