export { Admission, type FullReport, type Siblings } from './admission.ts';
export { type BindAddress, BoundAddress, handleOf, type ServerHandle } from './bound-address.ts';
export { Connection, WriteState } from './connection.ts';
export type { ConnectionHandler } from './connection-handler.ts';
export { descriptors, measureDescriptors } from './descriptors.ts';
export {
  addressText,
  dial,
  type DialAddress,
  type DialContext,
  type DialDone,
  type Dialing,
  type DialOptions,
} from './dial.ts';
export { type BreakageOwner, Http2Breakage, type SettledSession } from './http2-breakage.ts';
export { HTTP2_OPTIONS, LINE_OVERHEAD_BYTES } from './http2-options.ts';
export { Http2Windows, type UnreadStreams, type WindowSizes } from './http2-windows.ts';
export { type Accept, Listener, type ListenerOptions, type ListenerSettings } from './listener.ts';
export { IDLE_HANDLER } from './connection-handler.ts';
export { type Network, SYSTEM_NETWORK } from './network.ts';
export { ROOTS_OF_NODE, systemRoots } from './system-roots.ts';
export { TlsAcceptor, type TlsDone, type TlsHandshake, type TlsSettings } from './tls-acceptor.ts';
export type { TlsCertificate } from './tls-context.ts';
export type { ClientCertificate, TlsFacts } from './tls-facts.ts';
export { type DialTls, dialTlsId } from './upstream-context.ts';
