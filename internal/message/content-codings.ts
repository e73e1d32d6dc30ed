/** A content coding that a response could have. */
export interface NamedCoding {
  /** As in Content-Encoding (RFC 9110 §8.4.1), in lower case. */
  readonly name: string;
}

/** weight (RFC 9110 §12.4.2). */
const MEMBER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;

/**
 * The available codings to try, best first; if none is used, the original is sent (RFC 9110 §12.5.3).
 *
 * Without Accept-Encoding there are none: any coding would be acceptable, but most clients that do not send the field
 * cannot decode any. The original is also sent to a client that refuses it (`identity;q=0`) and accepts no available
 * coding: an answer that it may be able to use is better than 406 (§12.1 allows either).
 * @param available in the order of preference among codings with equal weights
 */
export function chooseCodings<T extends NamedCoding>(
  acceptEncoding: string | null,
  available: readonly T[],
): readonly T[] {
  if (acceptEncoding === null || available.length === 0) return [];
  const weights = parseWeights(acceptEncoding);
  const star = weights.get('*');
  // Without a weight of its own, the original comes after every acceptable coding.
  const identity = weights.get('identity') ?? star ?? 0;
  return available
    .map((coding) => ({ coding, weight: weights.get(coding.name) ?? star ?? 0 }))
    .filter(({ weight }) => weight > 0 && weight >= identity)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ coding }) => coding);
}

/** Whether the client decodes a coding. Without Accept-Encoding the answer is no: see `chooseCodings`. */
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

/** Weights by coding in lower case. Malformed members are ignored; of repeated ones the last counts. */
function parseWeights(acceptEncoding: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const text of acceptEncoding.split(',')) {
    const member = MEMBER.exec(text.trim());
    if (member === null) continue;
    weights.set(codingName(member[1]), member[2] === undefined ? 1 : Number(member[2]));
  }
  return weights;
}
