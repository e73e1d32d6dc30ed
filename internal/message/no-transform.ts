const NO_TRANSFORM = /(?:^|,)[ \t]*no-transform[ \t]*(?:,|$)/i;

/** Whether a value of Cache-Control forbids changes of the content (RFC 9110 §7.7, RFC 9111 §5.2.1.6 and §5.2.2.6). */
export function forbidsTransform(cacheControl: string | null): boolean {
  return cacheControl !== null && NO_TRANSFORM.test(cacheControl);
}
