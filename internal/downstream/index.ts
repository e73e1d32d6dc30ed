export { Http1Session } from './http1-session.ts';
export type { DrainableSession, SessionHost, SessionSlot } from './session-host.ts';
