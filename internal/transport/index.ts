export { type BindAddress, BoundAddress, type ServerHandle } from './bound-address.ts';
export { Connection, type ConnectionHandler, WriteState } from './connection.ts';
export {
  addressText,
  dial,
  type DialAddress,
  type DialDone,
  type Dialing,
  type DialOptions,
  type DialTls,
} from './dial.ts';
export { type Accept, Listener, type ListenerOptions, type ListenerSettings } from './listener.ts';
export { TlsAcceptor, type TlsCertificate, type TlsSettings } from './tls-acceptor.ts';
export type { ClientCertificate, TlsFacts } from './tls-facts.ts';
