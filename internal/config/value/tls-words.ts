import { createSecureContext, getCiphers } from 'node:tls';
import { didYouMean } from './nearest.ts';
import { InvalidValue } from './invalid-value.ts';

/** Longer ones mean nothing: the longest name that OpenSSL has is some 40 characters. */
const MAX_LENGTH = 100;

/** Checks the OpenSSL name of a cipher suite, in any case. @throws InvalidValue for one that OpenSSL does not have here */
export function checkCipher(name: string): void {
  const known = getCiphers();
  if (known.includes(name.toLowerCase())) return;
  const hint = didYouMean(
    name.toUpperCase().slice(0, MAX_LENGTH),
    known.map((each) => each.toUpperCase()),
  );
  throw new InvalidValue(`expected the OpenSSL name of a cipher suite, found ${JSON.stringify(name)}${hint}`);
}

/** Checks the name of a group for the key exchange. @throws InvalidValue for one that OpenSSL does not have here */
export function checkCurve(name: string): void {
  try {
    if (!/^[A-Za-z0-9_-]+$/.test(name) || name === 'auto') throw new Error('no name of a group');
    createSecureContext({ ecdhCurve: name });
  } catch {
    throw new InvalidValue(
      `expected a group that OpenSSL has here, such as "X25519" or "prime256v1", found ${JSON.stringify(name)}`,
    );
  }
}
