/** A content coding that a response could have. */
export interface NamedCoding {
  /** As in Content-Encoding (RFC 9110 §8.4.1), in lower case. */
  readonly name: string;
}

/** weight (RFC 9110 §12.4.2). */
const MEMBER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;

/**
 * The codings to try, best first, of those that are there; after them the original is sent (RFC 9110 §12.5.3).
 *
 * Without Accept-Encoding that is the original at once: any coding would be acceptable, but a client that says nothing is
 * mostly one that decodes nothing. The original is also sent to a client that refuses it (`identity;q=0`) and accepts
 * nothing else that is there: an answer that it may be able to use is better than 406 (§12.1 allows either).
 * @param available in the order of preference among codings that the client likes alike
 */
export function chooseCodings<T extends NamedCoding>(
  acceptEncoding: string | null,
  available: readonly T[],
): readonly T[] {
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

/** Whether the client decodes a coding. One that sends no Accept-Encoding is taken to decode none; see `chooseCodings`. */
export function acceptsCoding(acceptEncoding: string | null, name: string): boolean {
  if (acceptEncoding === null) return false;
  const weights = parseWeights(acceptEncoding);
  return (weights.get(name) ?? weights.get('*') ?? 0) > 0;
}

/** The name of a coding in lower case, without its old prefix (RFC 9110 §8.4.1.3: x-gzip is gzip). */
export function codingName(text: string): string {
  const name = text.trim().toLowerCase();
  return name === 'x-gzip' ? 'gzip' : name;
}

/** Weights by coding in lower case. Members that are malformed are left out; of repeated ones the last counts. */
function parseWeights(acceptEncoding: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const text of acceptEncoding.split(',')) {
    const member = MEMBER.exec(text.trim());
    if (member === null) continue;
    weights.set(codingName(member[1]), member[2] === undefined ? 1 : Number(member[2]));
  }
  return weights;
}
