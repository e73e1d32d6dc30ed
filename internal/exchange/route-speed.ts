import { createThrottle, type Schedule, type Throttle } from '../throttle/index.ts';

/** The speed limits of one connection; null for a direction without a limit. */
export interface ConnectionSpeed {
  /** Towards the client. */
  readonly download: Throttle | null;
  /** From the client. */
  readonly upload: Throttle | null;
}

/** The speed limits of a route. */
export interface RouteSpeed {
  /** The limits for a connection: limits of its own, or those that all connections of the route share in all workers. */
  forConnection(): ConnectionSpeed;
}

/** The limits of a route, in megabits (10^6 bits) a second. */
export interface RouteSpeedOptions {
  readonly downloadMbps: number | null;
  readonly uploadMbps: number | null;
  readonly shared: boolean;
}

/** The throttle of a limit that all workers share. @param direction the direction that the route limits */
export type SharedThrottle = (direction: 'download' | 'upload', mbps: number) => Throttle;

/** Compiles the `speed` of a route. */
export function createRouteSpeed(options: RouteSpeedOptions, sharedThrottle: SharedThrottle): RouteSpeed {
  const { downloadMbps, uploadMbps } = options;
  if (!options.shared) {
    return { forConnection: () => ({ download: throttleOf(downloadMbps), upload: throttleOf(uploadMbps) }) };
  }
  const shared: ConnectionSpeed = {
    download: downloadMbps === null ? null : sharedThrottle('download', downloadMbps),
    upload: uploadMbps === null ? null : sharedThrottle('upload', uploadMbps),
  };
  return { forConnection: () => shared };
}

function throttleOf(mbps: number | null): Throttle | null {
  return mbps === null ? null : createThrottle({ mbps, now: () => performance.now(), schedule });
}

const schedule: Schedule = (fn, milliseconds) => {
  const timer = setTimeout(fn, milliseconds);
  return () => clearTimeout(timer);
};
