import type { ConnectionHandler } from './connection-handler.ts';

/** Handler of a connection that has no owner yet: until it is given one, nothing can happen on it that matters. */
export const IDLE_HANDLER: ConnectionHandler = {
  onData() {},
  onEnd() {},
  onDrain() {},
  onDeadline() {},
  onClose() {},
  onBroken() {},
};
