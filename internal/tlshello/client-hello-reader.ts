import { ProxyError } from '../base/index.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';
import { badClientHello } from './cursor.ts';
import { MAX_CLIENT_HELLO_BYTES } from './limits.ts';

/** ContentType (RFC 8446 §5.1) and HandshakeType (§4). */
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const MAJOR_VERSION = 3;

/** ContentType, legacy_record_version, length (RFC 8446 §5.1). */
const RECORD_HEADER_BYTES = 5;
const MAX_FRAGMENT_BYTES = 1 << 14;

/** HandshakeType and a length of three bytes (RFC 8446 §4). */
const MESSAGE_HEADER_BYTES = 4;

/** Initial size of the buffer for a message that arrives in pieces; it doubles from there. */
const FIRST_GATHERED_BYTES = 1024;

/**
 * Reads the ClientHello at the beginning of a TLS connection, however its bytes are divided into segments and records:
 *
 *     record   22 | 3.x | length | fragment      record   22 | 3.x | length | fragment     …
 *     message                      1 | length | the first of the bo                 dy of the ClientHello
 *
 * A hello that arrives whole in one record is read in place. Otherwise the fragments are copied to a buffer of the
 * reader, which grows with the bytes that have arrived and not with the announced length. Every byte is read once, and
 * the body when it is complete. The error of a bad hello, and the byte at which it is found, do not depend on the
 * division.
 *
 * The reader only borrows the bytes: the next reader of the connection gets all of them again, from the first.
 */
export class ClientHelloReader {
  private complete = false;
  /** Bytes of all records so far, including their headers. */
  private wireBytes = 0;
  /** The header of the current record: the number of its bytes so far, and what it says about the fragment. */
  private headerBytes = 0;
  private fragmentLeft = 0;
  /** The message with its header, as far as it has arrived; its length is -1 until the header is complete. */
  private message: Buffer = Buffer.alloc(0);
  private messageBytes = 0;
  private messageLength = -1;

  /**
   * Reads bytes from `start` to `end`. They are borrowed: the reader neither keeps nor reads them after the call.
   *
   * @returns the hello, or null if all bytes were read and it is not complete. Bytes after the ClientHello are not
   * read.
   * @throws ProxyError bad_client_hello if the bytes cannot be the beginning of a TLS connection;
   * client_hello_too_large if the hello is larger than MAX_CLIENT_HELLO_BYTES. The reader must not be used afterwards.
   */
  feed(buffer: Buffer, start: number, end: number): ClientHello | null {
    if (this.complete) throw new Error('the ClientHello has been read');
    if (this.wireBytes === 0 && isWhole(buffer, start, end)) {
      this.complete = true;
      const length = uint16(buffer, start + 3);
      const body = start + RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES;
      return readClientHello(buffer, body, start + RECORD_HEADER_BYTES + length);
    }
    for (let at = start; at < end;) {
      if (this.headerBytes < RECORD_HEADER_BYTES) this.takeHeaderByte(buffer[at++]);
      else at = this.takeFragment(buffer, at, end);
      if (this.messageBytes !== this.messageLength) continue;
      this.complete = true;
      return readClientHello(this.message, MESSAGE_HEADER_BYTES, this.messageLength);
    }
    return null;
  }

  private takeHeaderByte(byte: number): void {
    this.wireBytes++;
    switch (this.headerBytes++) {
      case 0:
        if (byte !== HANDSHAKE) throw badClientHello('a record that is no handshake');
        break;
      case 1:
        if (byte !== MAJOR_VERSION) throw badClientHello('a record of a version that is neither SSL 3 nor TLS');
        break;
      // The minor version has no meaning (RFC 8446 §5.1).
      case 2:
        break;
      case 3:
        this.fragmentLeft = byte << 8;
        break;
      default:
        this.fragmentLeft |= byte;
        if (this.fragmentLeft === 0) throw badClientHello('an empty record');
        if (this.fragmentLeft > MAX_FRAGMENT_BYTES) throw badClientHello('a record of more than 2^14 bytes');
        this.checkLengths();
    }
  }

  private takeFragment(buffer: Buffer, start: number, end: number): number {
    // Reads the header of the message first, because its length decides how much of the rest belongs to the message.
    const wanted = (this.messageLength < 0 ? MESSAGE_HEADER_BYTES : this.messageLength) - this.messageBytes;
    const stop = start + Math.min(end - start, this.fragmentLeft, wanted);
    this.gather(buffer, start, stop);
    this.wireBytes += stop - start;
    this.fragmentLeft -= stop - start;
    if (this.messageLength < 0) this.readMessageHeader();
    if (this.fragmentLeft === 0) this.headerBytes = 0;
    return stop;
  }

  private readMessageHeader(): void {
    const { message, messageBytes } = this;
    if (message[0] !== CLIENT_HELLO) throw badClientHello('a handshake that does not begin with a ClientHello');
    if (messageBytes < MESSAGE_HEADER_BYTES) return;
    this.messageLength = MESSAGE_HEADER_BYTES + message.readUIntBE(1, 3);
    this.checkLengths();
  }

  /** Refuses a message as soon as its lengths show that it cannot be an acceptable ClientHello. */
  private checkLengths(): void {
    const missing = this.messageLength < 0 ? 1 : this.messageLength - this.messageBytes;
    if (missing > MAX_CLIENT_HELLO_BYTES - this.wireBytes) {
      throw new ProxyError('client_hello_too_large', `the ClientHello takes more than ${MAX_CLIENT_HELLO_BYTES} bytes`);
    }
    // The server speaks next, so no second message may follow in the same record.
    if (this.messageLength >= 0 && this.fragmentLeft > missing) {
      throw badClientHello('bytes behind the ClientHello in its record');
    }
  }

  private gather(buffer: Buffer, start: number, end: number): void {
    const length = this.messageBytes + end - start;
    if (length > this.message.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_GATHERED_BYTES, length * 2));
      this.message.copy(larger, 0, 0, this.messageBytes);
      this.message = larger;
    }
    buffer.copy(this.message, this.messageBytes, start, end);
    this.messageBytes = length;
  }
}

/** Whether the bytes begin with a record that contains a ClientHello within the limit, and nothing else. */
function isWhole(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES) return false;
  const length = uint16(buffer, start + 3);
  return (
    buffer[start] === HANDSHAKE &&
    buffer[start + 1] === MAJOR_VERSION &&
    buffer[start + 5] === CLIENT_HELLO &&
    buffer[start + 6] === 0 &&
    uint16(buffer, start + 7) === length - MESSAGE_HEADER_BYTES &&
    length <= Math.min(end - start, MAX_CLIENT_HELLO_BYTES) - RECORD_HEADER_BYTES
  );
}

function uint16(buffer: Buffer, at: number): number {
  return (buffer[at] << 8) | buffer[at + 1];
}
