/** Some text, followed by the bytes of a file from `start`, inclusive, to `end`, exclusive. Either may be empty. */
export interface BodyPart {
  readonly text: Buffer | null;
  readonly start: number;
  readonly end: number;
}
