import type { Logger } from '../../internal/logger/index.ts';

/**
 * Exceptions are caught where they happen and cost one connection. What slips through all the same must not end the
 * service of everybody else: it is logged as what it is, a fault of prox.
 */
export function surviveFaults(logger: Logger): void {
  process.on('uncaughtException', (error) => logger.error('uncaught exception', { error }));
  process.on('unhandledRejection', (reason) => {
    logger.error('unhandled rejection', { error: reason instanceof Error ? reason : new Error(String(reason)) });
  });
}
