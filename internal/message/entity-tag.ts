/** The weak form of an entity tag (RFC 9110 §8.8.1): for a response whose bytes are no longer those that the tag was made for. */
export function weakened(etag: string): string {
  return etag.startsWith('W/') ? etag : `W/${etag}`;
}
