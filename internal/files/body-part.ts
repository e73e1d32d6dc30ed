/** Some text, then the bytes of a file from `start`, inclusive, to `end`, exclusive. There may be none of either. */
export interface BodyPart {
  readonly text: Buffer | null;
  readonly start: number;
  readonly end: number;
}
