/** Takes the bytes of a body as they come. The bytes are borrowed: they may change when the call has returned. */
export interface BodySink {
  onBody(buffer: Buffer, start: number, end: number): void;
}
