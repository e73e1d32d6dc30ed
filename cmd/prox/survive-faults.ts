import type { Logger } from '../../internal/logger/index.ts';

/**
 * Keeps the process alive after an exception that no code has caught. Exceptions should be caught where they occur and
 * end one connection. One that is not caught is a bug of prox: it is logged, and all other connections continue.
 */
export function surviveFaults(logger: Logger): void {
  process.on('uncaughtException', (error) => logger.error('uncaught exception', { error }));
  process.on('unhandledRejection', (reason) => {
    logger.error('unhandled rejection', { error: reason instanceof Error ? reason : new Error(String(reason)) });
  });
}
