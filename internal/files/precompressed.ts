/** A content coding that a file may lie beside the original in. */
export interface Coding {
  /** As in Content-Encoding (RFC 9110 §8.4.1). */
  readonly name: string;
  /** What is added to the name of the original. */
  readonly extension: string;
}

/** In the order of preference among codings that the client likes alike: the smallest first. */
export const CODINGS: readonly Coding[] = [
  { name: 'br', extension: '.br' },
  { name: 'zstd', extension: '.zst' },
  { name: 'gzip', extension: '.gz' },
];

/**
 * Types that are compressed already: nobody lays siblings beside them, and looking for some would cost three system
 * calls more.
 */
const COMPRESSED_MEDIA = /^(?:image|video|audio)\/|^font\/woff/;
const PLAIN_MEDIA = /^image\/(?:svg\+xml|bmp|tiff|x-icon|vnd\.microsoft\.icon)|^audio\/(?:midi|(?:x-)?wav)/;
const ARCHIVE =
  /^application\/(?:gzip|zip|zstd|x-7z-compressed|x-bzip2?|x-xz|vnd\.rar|java-archive|epub\+zip|vnd\.openxml.*)$/;

/** Whether a file of that Content-Type may have compressed siblings. */
export function mayHaveSiblings(contentType: string): boolean {
  if (COMPRESSED_MEDIA.test(contentType)) return PLAIN_MEDIA.test(contentType);
  return !ARCHIVE.test(contentType);
}

/** weight (RFC 9110 §12.4.2). */
const MEMBER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;

/**
 * The codings to try, best first, of those that are there; after them the original is sent (RFC 9110 §12.5.3).
 *
 * Without Accept-Encoding that is the original at once: any coding would be acceptable, but a client that says nothing is
 * mostly one that decodes nothing. The original is also sent to a client that refuses it (`identity;q=0`) and accepts
 * nothing else that is there: an answer that it may be able to use is better than 406 (§12.1 allows either).
 */
export function chooseCodings(acceptEncoding: string | null, available: readonly Coding[]): readonly Coding[] {
  if (acceptEncoding === null || available.length === 0) return [];
  const weights = parseWeights(acceptEncoding);
  const star = weights.get('*');
  // Unless it is weighed, the original comes after everything that is acceptable.
  const identity = weights.get('identity') ?? star ?? 0;
  return available
    .map((coding) => ({ coding, weight: weights.get(coding.name) ?? star ?? 0 }))
    .filter(({ weight }) => weight > 0 && weight >= identity)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ coding }) => coding);
}

/** Weights by coding in lower case. Members that are malformed are left out; of repeated ones the last counts. */
function parseWeights(acceptEncoding: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const text of acceptEncoding.split(',')) {
    const member = MEMBER.exec(text.trim());
    if (member === null) continue;
    const name = member[1].toLowerCase();
    // RFC 9110 §8.4.1.3: x-gzip is gzip.
    weights.set(name === 'x-gzip' ? 'gzip' : name, member[2] === undefined ? 1 : Number(member[2]));
  }
  return weights;
}
