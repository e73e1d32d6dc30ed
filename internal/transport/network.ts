import { connect, createServer, type NetConnectOpts, type Server, type ServerOpts, type Socket } from 'node:net';

/** The source of sockets: the kernel, or memory in tests. */
export interface Network {
  /** Like `createServer` of node:net. */
  createServer(options: ServerOpts, onConnection: (socket: Socket) => void): Server;
  /** Like `connect` of node:net. */
  connect(options: NetConnectOpts): Socket;
}

/** The network of the system. */
export const SYSTEM_NETWORK: Network = { connect, createServer };
