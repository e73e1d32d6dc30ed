import type { ConnectionHandler } from './connection-handler.ts';

/** The handler of a connection that has no owner yet. No event needs handling before it gets one. */
export const IDLE_HANDLER: ConnectionHandler = {
  onData() {},
  onEnd() {},
  onDrain() {},
  onDeadline() {},
  onClose() {},
  onBroken() {},
};
