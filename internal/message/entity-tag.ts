/** The weak form of an entity tag (RFC 9110 §8.8.1), for a response whose bytes prox has changed. */
export function weakened(etag: string): string {
  return etag.startsWith('W/') ? etag : `W/${etag}`;
}
