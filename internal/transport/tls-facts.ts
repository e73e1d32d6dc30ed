/** The results of a TLS handshake. */
export interface TlsFacts {
  /** The name that the client asked for (SNI, RFC 6066 §3), in lower case; null without one. */
  readonly serverName: string | null;
  /** The negotiated protocol (ALPN, RFC 7301); null without one. */
  readonly alpn: string | null;
  /** The verified certificate of the client; null if it was asked for none or has sent none. */
  readonly client: ClientCertificate | null;
}

/** A client certificate that was verified against `tls_client_ca`. */
export interface ClientCertificate {
  /** The distinguished name, such as `CN=alice,O=Example` (RFC 4514). */
  readonly subject: string;
  /** SHA-256 of the certificate, 64 lower-case hex digits. */
  readonly fingerprint: string;
}
