import type { ConnectionSpeed, RouteSpeed } from '../exchange/index.ts';
import type { Gate, Throttle } from '../throttle/index.ts';

/** The speed limits of a session: those of the route that it used last, so that they hold over many requests. */
export class SessionSpeed {
  private readonly onResume: () => void;
  private route: RouteSpeed | null = null;
  private limits: ConnectionSpeed | null = null;
  private upload: Gate | null = null;
  private waiting = false;

  /** @param onResume called when bytes of the client that had to wait may be taken */
  constructor(onResume: () => void) {
    this.onResume = onResume;
  }

  /** Whether the bytes from the client are limited. */
  get limitsUpload(): boolean {
    return this.upload !== null;
  }

  /** Whether bytes of the client have to wait. */
  get uploadWaits(): boolean {
    return this.waiting;
  }

  /** Takes over the limits of a route for the next exchange, and returns the one on its response. */
  use(route: RouteSpeed | null): Throttle | null {
    if (route !== this.route) {
      this.close();
      this.route = route;
      this.limits = route === null ? null : route.forConnection();
      this.upload = this.limits?.upload?.open(() => this.gateOnResume()) ?? null;
    }
    return this.limits === null ? null : this.limits.download;
  }

  /** @returns how many of the bytes may be taken now. If not all, `onResume` follows */
  takeUpload(bytes: number): number {
    if (this.upload === null) return bytes;
    if (this.waiting) return 0;
    const granted = this.upload.take(bytes);
    this.waiting = granted < bytes;
    return granted;
  }

  /** Drops the limits; `onResume` is not called any more. */
  close(): void {
    this.upload?.close();
    this.upload = null;
    this.route = null;
    this.limits = null;
    this.waiting = false;
  }

  private gateOnResume(): void {
    this.waiting = false;
    this.onResume();
  }
}
