import type { Socket } from 'node:net';

/** Receives the events of a socket. */
export interface SocketOwner {
  socketOnData(buffer: Buffer, length: number): void;
  socketOnEnd(): void;
  socketOnDrain(): void;
  socketOnError(error: Error): void;
  socketOnClose(): void;
}

/**
 * The property that holds the owner of a socket. All sockets share the functions below, because five closures for each
 * socket would make a new connection more expensive.
 */
const OWNER = Symbol('owner');

interface OwnedSocket extends Socket {
  [OWNER]: SocketOwner | null;
}

/** Sends all further events of the socket to the owner. */
export function listenTo(socket: Socket, owner: SocketOwner): void {
  (socket as OwnedSocket)[OWNER] = owner;
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('error', onError);
  socket.on('close', onClose);
}

/** Removes every listener of `listenTo` and the reference to the owner, because the socket may live long without it. */
export function leave(socket: Socket): void {
  (socket as OwnedSocket)[OWNER] = null;
  socket.removeListener('data', onData);
  socket.removeListener('end', onEnd);
  socket.removeListener('drain', onDrain);
  socket.removeListener('error', onError);
  socket.removeListener('close', onClose);
}

function onData(this: OwnedSocket, chunk: Buffer): void {
  this[OWNER]?.socketOnData(chunk, chunk.length);
}

function onEnd(this: OwnedSocket): void {
  this[OWNER]?.socketOnEnd();
}

function onDrain(this: OwnedSocket): void {
  this[OWNER]?.socketOnDrain();
}

function onError(this: OwnedSocket, error: Error): void {
  this[OWNER]?.socketOnError(error);
}

function onClose(this: OwnedSocket): void {
  this[OWNER]?.socketOnClose();
}
