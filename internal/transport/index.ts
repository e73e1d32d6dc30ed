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
export { type Accept, type BindAddress, Listener, type ListenerOptions, type ListenerSettings } from './listener.ts';
