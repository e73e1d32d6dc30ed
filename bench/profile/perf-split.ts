/** Splits what `perf` has sampled by what kind of code it was. */

/** Samples by kind, and by symbol within each. */
export interface PerfSplit {
  readonly total: number;
  readonly kinds: ReadonlyMap<PerfKind, { readonly samples: number; readonly symbols: ReadonlyMap<string, number> }>;
}

/** Kinds of code in a process of Node. OpenSSL, V8's collector, nghttp2 and libuv are parts of the node binary. */
export const PERF_KINDS = [
  'kernel',
  'JIT-compiled JavaScript',
  'V8 builtins',
  'V8 garbage collector',
  'OpenSSL',
  'nghttp2',
  'libuv',
  'node and V8, C++',
  'libc and others',
] as const;
export type PerfKind = (typeof PERF_KINDS)[number];

/** Symbols have brackets of their own, and so has an object that was deleted: the last pair is the object's. */
const SAMPLE = /^\s*[\da-f]+ (.+) \(((?:[^()]|\([^()]*\))*)\)$/gm;

/** Reads the output of `perf script -F ip,sym,dso`: address, symbol and, in brackets, the object that it is in. */
export function splitPerf(script: string): PerfSplit {
  const kinds = new Map<PerfKind, { samples: number; symbols: Map<string, number> }>();
  let total = 0;
  for (const [, symbol, object] of script.matchAll(SAMPLE)) {
    const kind = kindOf(symbol, object);
    const entry = kinds.get(kind) ?? { samples: 0, symbols: new Map<string, number>() };
    entry.samples++;
    entry.symbols.set(symbol, (entry.symbols.get(symbol) ?? 0) + 1);
    kinds.set(kind, entry);
    total++;
  }
  return { total, kinds };
}

function kindOf(symbol: string, object: string): PerfKind {
  if (/^\[(kernel|guest\.kernel|vdso|.*\.ko)/.test(object) || object.endsWith('.ko')) return 'kernel';
  if (!/\/node(?: \(deleted\))?$/.test(object))
    return /perf-\d+\.map|anon|^\[unknown\]$|^\[JIT\]/.test(object) ? 'JIT-compiled JavaScript' : 'libc and others';
  if (symbol.startsWith('Builtins_')) return 'V8 builtins';
  if (/^v8::internal::.*(Scaveng|Mark|Sweep|Heap|SemiSpace|Evacuat|GCTracer|NewSpace)/.test(symbol))
    return 'V8 garbage collector';
  if (symbol.startsWith('nghttp2_')) return 'nghttp2';
  if (symbol.startsWith('uv_')) return 'libuv';
  return OPENSSL.test(symbol) ? 'OpenSSL' : 'node and V8, C++';
}

/** By the prefixes of its functions; the arithmetic and the ciphers are in assembler with names of their own. */
const OPENSSL =
  /^_?(SSL|ssl|tls|dtls|EVP|evp|ossl|OSSL|OPENSSL|CRYPTO|BIO|bio|X509|x509|ASN1|asn1|BN|bn|EC|ec|ecp|aes|aesni|AES|gcm|GCM|sha\d|SHA\d|HMAC|hmac|RAND|rand|drbg|RSA|rsa|ERR|err|WPACKET|PACKET|statem|conf|chacha|ChaCha|poly1305|cipher|ciph|do_ssl|state_machine|final|construct|gf2m|x25519|fe64|fe51)[_\d]/;

/**
 * The split as text, in microseconds a unit of work, with the symbols that took most.
 * @param cpu microseconds of CPU a unit of work, of which the samples are shares
 */
export function perfTable({ total, kinds }: PerfSplit, cpu: number, unit: string): string {
  const row = (samples: number, name: string): string => {
    const share = samples / total;
    return `${(share * cpu).toFixed(2).padStart(10)}${(100 * share).toFixed(1).padStart(8)}  ${name}`;
  };
  const lines = [`${`µs/${unit}`.padStart(10)}${'%'.padStart(8)}  kind of code, by perf`];
  const ordered = [...kinds].sort(([, a], [, b]) => b.samples - a.samples);
  for (const [kind, { samples }] of ordered) lines.push(row(samples, kind));
  for (const [kind, { symbols }] of ordered) {
    const top = [...symbols].sort(([, a], [, b]) => b - a).slice(0, SYMBOLS_OF_A_KIND);
    lines.push('', `${''.padStart(18)}  ${kind}`, ...top.map(([symbol, samples]) => row(samples, symbol)));
  }
  return lines.join('\n');
}

const SYMBOLS_OF_A_KIND = 12;
