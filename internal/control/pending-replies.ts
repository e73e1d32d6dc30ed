import { ControlError, type SentError } from './control-error.ts';
import type { Reply } from './frames.ts';

/** Questions that wait for their replies, each for a bounded time. */
export class PendingReplies {
  private readonly pending = new Map<number, (reply: Omit<Reply, 'kind' | 'number'>) => void>();
  private nextNumber = 1;

  get size(): number {
    return this.pending.size;
  }

  /**
   * Waits for the reply to a question.
   * @param send sends the question with its number
   * @throws ControlError
   */
  wait(timeoutMs: number, send: (number: number) => void): Promise<unknown> {
    const number = this.nextNumber++;
    return new Promise((resolve, reject) => {
      const settle = ({ answer, error }: Omit<Reply, 'kind' | 'number'>): void => {
        clearTimeout(timer);
        this.pending.delete(number);
        if (error === null) resolve(answer);
        else reject(new ControlError(error.code, error.message));
      };
      const late: SentError = { code: 'timeout', message: `no answer within ${timeoutMs} ms` };
      // If this process was blocked, an answer may already have arrived. The event loop reads it before the immediate.
      const timer = setTimeout(() => setImmediate(() => settle({ answer: undefined, error: late })), timeoutMs);
      this.pending.set(number, settle);
      send(number);
    });
  }

  /** Takes a reply. A reply that comes too late is ignored. */
  settle({ number, answer, error }: Reply): void {
    this.pending.get(number)?.({ answer, error });
  }

  /** Fails all pending questions. */
  failAll(error: SentError): void {
    for (const settle of this.pending.values()) settle({ answer: undefined, error });
  }
}
