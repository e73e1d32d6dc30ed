/** At most 8 digits and a unit, as specified by gRPC over HTTP/2. */
const FORM = /^(\d{1,8})([HMSmun])$/;

const MILLISECONDS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Milliseconds by which a server may seem to cancel a call too early: its timers and those of this process have whole
 * milliseconds, and some systems round them to 16.
 */
const SLACK_MS = 20;

/** Milliseconds in a `grpc-timeout`; Infinity if its form is wrong. */
export function grpcTimeout(value: string): number {
  const parts = FORM.exec(value);
  return parts === null ? Infinity : Number(parts[1]) * MILLISECONDS[parts[2]];
}

/** The time, on the same clock, from which a call that begins now is overdue. */
export function overdueAt(value: string, now: number): number {
  return now + grpcTimeout(value) - SLACK_MS;
}
