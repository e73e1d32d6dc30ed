import { type Schedule, Throttle } from '../throttle/index.ts';

/** The speed limits that apply to one connection; null where a direction has none. */
export interface ConnectionSpeed {
  /** Towards the client. */
  readonly download: Throttle | null;
  /** From the client. */
  readonly upload: Throttle | null;
}

/** The speed limits of a route. */
export interface RouteSpeed {
  /** The limits for a connection: its own, or those that all connections of the route share. */
  forConnection(): ConnectionSpeed;
}

/** The limits of a route, in megabits (10^6 bits) a second. */
export interface RouteSpeedOptions {
  readonly downloadMbps: number | null;
  readonly uploadMbps: number | null;
  readonly shared: boolean;
}

/** Compiles the `speed` of a route. */
export function createRouteSpeed(options: RouteSpeedOptions): RouteSpeed {
  const make = (): ConnectionSpeed => ({
    download: throttleOf(options.downloadMbps),
    upload: throttleOf(options.uploadMbps),
  });
  if (!options.shared) return { forConnection: make };
  const shared = make();
  return { forConnection: () => shared };
}

function throttleOf(mbps: number | null): Throttle | null {
  return mbps === null ? null : new Throttle({ mbps, now: () => performance.now(), schedule });
}

const schedule: Schedule = (fn, milliseconds) => {
  const timer = setTimeout(fn, milliseconds);
  return () => clearTimeout(timer);
};
