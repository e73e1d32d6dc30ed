import { describe, expect, it } from 'vitest';

import { perfTable, splitPerf } from './perf-split.ts';

describe('splitPerf', () => {
  it.each([
    { line: 'tcp_sendmsg_locked ([kernel.kallsyms])', kind: 'kernel' },
    { line: 'nf_hook_slow ([nf_tables.ko])', kind: 'kernel' },
    { line: '[unknown] (/tmp/perf-77.map)', kind: 'JIT-compiled JavaScript' },
    { line: 'Builtins_KeyedLoadIC_Megamorphic (/usr/bin/node)', kind: 'V8 builtins' },
    { line: 'v8::internal::Scavenger::Process (/usr/bin/node)', kind: 'V8 garbage collector' },
    { line: 'v8::internal::(anonymous namespace)::Heap (a) (/usr/bin/node)', kind: 'V8 garbage collector' },
    { line: 'node::fs::Stat (/tmp/node (deleted))', kind: 'node and V8, C++' },
    { line: 'SSL_write (/usr/bin/node)', kind: 'OpenSSL' },
    { line: 'ossl_statem_accept (/usr/bin/node)', kind: 'OpenSSL' },
    { line: 'nghttp2_session_mem_send (/usr/bin/node)', kind: 'nghttp2' },
    { line: 'uv__io_poll (/usr/bin/node)', kind: 'libuv' },
    { line: 'node::LibuvStreamWrap::DoTryWrite (/usr/bin/node)', kind: 'node and V8, C++' },
    { line: '_int_malloc (/usr/lib/x86_64-linux-gnu/libc.so.6)', kind: 'libc and others' },
  ])('takes $line for $kind', ({ line, kind }) => {
    expect([...splitPerf(`     7f29e46abd50 ${line}\n`).kinds.keys()]).toEqual([kind]);
  });

  it('shows shares of the CPU time, the largest first', () => {
    const script = [
      'uv_run (/a/node)',
      'read ([kernel.kallsyms])',
      'read ([kernel.kallsyms])',
      'sock ([kernel.kallsyms])',
    ];
    expect(perfTable(splitPerf(script.map((line) => ` d23f58 ${line}\n`).join('')), 20, 'request').split('\n')).toEqual(
      [
        'µs/request       %  kind of code, by perf',
        '     15.00    75.0  kernel',
        '      5.00    25.0  libuv',
        '',
        '                    kernel',
        '     10.00    50.0  read',
        '      5.00    25.0  sock',
        '',
        '                    libuv',
        '      5.00    25.0  uv_run',
      ],
    );
  });
});
