/**
 * Bytes that a ClientHello may take on the wire, the headers of its records included. Hellos of browsers take near 2 KiB
 * with post-quantum key shares; a session ticket that carries a client certificate adds a few more. It is also the
 * size of the largest record (RFC 8446 §5.1).
 */
export const MAX_CLIENT_HELLO_BYTES = 16_384;

/** Bytes of the longest name of the DNS in text form (RFC 1035 §2.3.4: 255 on the wire). */
export const MAX_SERVER_NAME_BYTES = 253;
