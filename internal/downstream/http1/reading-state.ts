/**
 * What a session does with the bytes of its client:
 *
 *     idle ─first byte─> head ─complete─> body ─complete─> waiting ─response over─> idle
 *       ↑                                   │ response over before the body           │
 *       └────────── discard <───────────────┘                                         │
 *                      └──────────── linger <──── the connection is to be closed ─────┘
 *
 * A tunnel is a body that ends with the connection.
 */
export const Reading = { idle: 0, head: 1, body: 2, waiting: 3, discard: 4, linger: 5, closed: 6 } as const;
export type Reading = (typeof Reading)[keyof typeof Reading];
