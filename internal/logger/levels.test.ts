import { describe, expect, it } from 'vitest';
import { ERROR_CODES, ProxyError, type ErrorCode } from '../base/index.ts';
import { levelOf, resolveLevel } from './levels.ts';

describe('resolveLevel', () => {
  it.each([
    [{}, 'info'],
    [{ config: 'error' }, 'error'],
    [{ flag: 'warn', config: 'error' }, 'warn'],
    [{ env: 'debug', flag: 'warn', config: 'error' }, 'debug'],
    [{ env: '', flag: '', config: 'error' }, 'error'],
    [{ env: ' WARN ', config: null }, 'warn'],
  ] as const)('%j gives %s without a warning', (sources, level) => {
    expect(resolveLevel(sources)).toEqual({ level, warnings: [] });
  });

  it('passes over a value that is no level, and says so', () => {
    const { level, warnings } = resolveLevel({ env: 'loud\n', flag: 'warn' });
    expect(level).toBe('warn');
    expect(warnings).toEqual(['LOG_LEVEL is "loud\\n", which is no log level; allowed are debug, info, warn, error']);
  });
});

describe('levelOf', () => {
  it('follows who caused the error, for every code', () => {
    const bySource = { client: 'debug', upstream: 'warn', internal: 'error' } as const;
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const expected = code === 'shutting_down' ? 'info' : bySource[ERROR_CODES[code].source];
      expect([code, levelOf(new ProxyError(code, 'text'))]).toEqual([code, expected]);
    }
  });
});
