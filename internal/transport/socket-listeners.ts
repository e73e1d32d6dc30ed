import type { Socket } from 'node:net';

/** What is told of the events of a socket. */
export interface SocketOwner {
  socketOnData(buffer: Buffer, length: number): void;
  socketOnEnd(): void;
  socketOnDrain(): void;
  socketOnError(error: Error): void;
  socketOnClose(): void;
}

/** The owner of a socket. All sockets share the functions below: five closures for each cost a new connection more. */
const OWNER = Symbol('owner');

interface OwnedSocket extends Socket {
  [OWNER]: SocketOwner | null;
}

/** Tells the owner of what happens on the socket from now on. */
export function listenTo(socket: Socket, owner: SocketOwner): void {
  (socket as OwnedSocket)[OWNER] = owner;
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('error', onError);
  socket.on('close', onClose);
}

/** Takes every listener of `listenTo` away, and lets go of the owner: the socket may live for long without it. */
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
