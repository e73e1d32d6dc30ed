/**
 * The largest ClientHello on the wire, in bytes, including the headers of its records. Hellos of browsers have nearly 2
 * KiB with post-quantum key shares; a session ticket that contains a client certificate adds some more. This is also
 * the size of the largest record (RFC 8446 §5.1).
 */
export const MAX_CLIENT_HELLO_BYTES = 16_384;

/** The longest DNS name in text form, in bytes (RFC 1035 §2.3.4: 255 on the wire). */
export const MAX_SERVER_NAME_BYTES = 253;
