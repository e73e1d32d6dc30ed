import { connect, createServer, type NetConnectOpts, type Server, type ServerOpts, type Socket } from 'node:net';

/** Where the sockets of a process come from: the kernel, or in tests memory. */
export interface Network {
  /** As `createServer` of node:net. */
  createServer(options: ServerOpts, onConnection: (socket: Socket) => void): Server;
  /** As `connect` of node:net. */
  connect(options: NetConnectOpts): Socket;
}

/** The network of the system. */
export const SYSTEM_NETWORK: Network = { connect, createServer };
