import { describe, expect, test } from 'vitest';

const load = (name: string) => import(new URL(`${name}.mjs`, import.meta.url).href);
const { brief, full, marked } = await load('report');
const { chart } = await load('chart');
const { bounds, reached } = await load('bounds');
const { parse } = await load('arguments');
const { costBeside } = await load('prox-before');

const round = (user: number, system: number, perSecond: number, p99: number) => ({
  user,
  system,
  perSecond,
  p50: p99 / 2,
  p99,
  p999: p99 * 2,
  loadCoreBusy: 0.5,
});
const of = (...rounds: object[]) => ({ rounds, peak: 50_000_000 });

const results = {
  date: '2026-01-02T03:04:05.000Z',
  seconds: 61,
  machine: { processor: 'A processor', cores: 2, memory: 1, kernel: '6.1' },
  settings: { rounds: 3, seconds: 1 },
  proxies: {
    prox: { title: 'prox', kind: 'prox', version: 'prox 1' },
    nginx: { title: 'nginx', kind: 'native', version: 'nginx 1' },
    caddy: { title: 'Caddy', kind: 'go', version: 'Caddy 2' },
    'prox-node20': { title: 'prox, Node 20', kind: 'prox', version: 'prox 1, Node 20' },
  },
  absent: { traefik: 'no go toolchain in the path' },
  cases: {
    'keep-alive': {
      title: 'two bytes',
      kind: 'load',
      unit: 'request',
      chart: true,
      leftOut: { files: 'serves no files' },
      proxies: {
        prox: of(round(5, 7, 1000, 1500), round(5, 6, 1100, 1400), round(50, 6, 900, 9000)),
        nginx: of(round(4, 6, 1200, 1000)),
        'prox-node20': of(round(10, 10, 500, 100)),
      },
      failed: { caddy: '3 of 5 requests\nfailed' },
    },
    latency: {
      title: 'latency',
      kind: 'latency',
      unit: 'request',
      leftOut: {},
      failed: {},
      proxies: {
        prox: { own: { rate: 700, ...of(round(1, 1, 700, 3000)) } },
        nginx: { own: { rate: 800, ...of(round(1, 1, 800, 1500)) } },
      },
    },
  },
};

const withCase = (name: string, changed: object) => ({ ...results, cases: { ...results.cases, [name]: changed } });

describe('tables', () => {
  test('show the median CPU time and its ratio to nginx', () => {
    expect(brief(results)).toContain('| two bytes | **12.0 (1.20)** | 10.0 | failed |');
  });

  test('are short in the README, and whole on the page of the benchmark', () => {
    expect(brief(results)).not.toContain('| latency |');
    expect(brief(results)).not.toContain('at most');
    expect(full(results)).toContain('| two bytes | **12.0 (1.20)** | 10.0 | failed |');
  });

  test('name what was not measured, and why', () => {
    expect(full(results)).toContain('traefik was not measured: no go toolchain in the path.');
    expect(full(results)).toContain('Without figures: Caddy: **failed**: 3 of 5 requests; files: serves no files.');
  });

  test('show user, system, spread, rate, percentiles and memory of each proxy', () => {
    const cells = '12.0 | 5.0 | 6.0 | 1.20 | 375 % | 1,000 | 0.75 | 1.50 | 3.00 | 50 | 50 %';
    expect(full(results)).toContain(`| prox | ${cells} |`);
  });

  test('say of each bound whether it is reached', () => {
    expect(full(results)).toContain('| two bytes | CPU, × nginx | at most 1.15 | 1.20 | **not reached** | 2.00 |');
    expect(full(results)).toContain(
      '| latency | p99, each at 70 % of its own, × nginx | at most 1.5 | 2.00 | **not reached** | – |',
    );
    const faster = { ...results.cases['keep-alive'].proxies, prox: of(round(4, 5, 1000, 1500)) };
    expect(full(withCase('keep-alive', { ...results.cases['keep-alive'], proxies: faster }))).toContain(
      '| two bytes | CPU, × nginx | at most 1.15 | 0.90 | reached | 2.00 |',
    );
  });

  test('show a bound as not reached where prox failed, or what it is compared with', () => {
    const failing = (proxy: string) => ({
      ...results.cases['keep-alive'],
      proxies: Object.fromEntries(
        Object.entries(results.cases['keep-alive'].proxies).filter(([name]) => name !== proxy),
      ),
      failed: { [proxy]: 'no answer' },
    });
    for (const proxy of ['prox', 'nginx']) {
      expect(full(withCase('keep-alive', failing(proxy)))).toContain(
        '| two bytes | CPU, × nginx | at most 1.15 | failed | **not reached** |',
      );
    }
  });

  test('show that prox cannot hold the rate of nginx', () => {
    const { prox, nginx } = results.cases.latency.proxies;
    const text = full(
      withCase('latency', {
        ...results.cases.latency,
        proxies: { prox, nginx: { ...nginx, same: { rate: 800, ...of(round(1, 1, 800, 1500)) } } },
      }),
    );
    expect(text).toContain('| prox | that of nginx | 800 | cannot |');
    expect(text).toContain(
      '| latency | p99, both at 70 % of that of nginx, × nginx | at most 1.5 | – | **not reached** | – |',
    );
  });

  test('leave out bounds of what was not measured', () => {
    expect(full(results)).not.toContain('serve a file');
  });

  test('tell in a sentence of a proxy that was set another way, without a column', () => {
    const text = brief({
      ...results,
      proxies: {
        ...results.proxies,
        tuned: { title: 'nginx, tuned', kind: 'native', beside: true, version: 'nginx 1' },
      },
      cases: {
        'keep-alive': {
          ...results.cases['keep-alive'],
          proxies: { ...results.cases['keep-alive'].proxies, tuned: of(round(4, 1, 1200, 1000)) },
        },
      },
    });
    expect(text).toContain('nginx, tuned: two bytes 5.0 (0.50).');
    expect(text).toContain('| CPU µs (× nginx) | prox | nginx | Caddy |');
  });

  test('replace what stands between the marks, dollar signs and all', () => {
    const document = 'a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nb';
    expect(marked(document, "$1 $&'")).toBe("a\n<!-- bench:begin -->\n\n$1 $&'\n\n<!-- bench:end -->\nb");
    expect(() => marked('no marks', 'x')).toThrow('no marks');
  });
});

test('each Go proxy has a bound, and each JavaScript proxy', () => {
  const told = bounds({
    ...results,
    proxies: { ...results.proxies, x: { title: 'x', kind: 'javascript', version: '1' } },
  }).map(({ name, beside, limit }: { name: string; beside?: string; limit: number }) => `${name} ${beside} ${limit}`);
  expect(told).toContain('keep-alive caddy 0.5');
  expect(told).toContain('keep-alive x 0.35');
});

test.each([
  ['most', 1.5, 1.5, true],
  ['most', 1.5, 1.51, false],
  ['least', 0.8, 0.8, true],
  ['least', 0.8, 0.79, false],
])('a bound of at %s %d and a value of %d', (side, limit, value, expected) => {
  expect(reached({ side, limit }, value)).toBe(expected);
});

test('the chart has a bar for each proxy that was measured, and the colours of dark pages', () => {
  const svg: string = chart(results);
  expect(svg.match(/<rect class="(prox|native|go)" x="\d+" y="\d+" width="[\d.]+" height="11"/g)).toHaveLength(2);
  expect(svg).toContain('>1.20</text>');
  expect(svg).toContain('prefers-color-scheme: dark');
});

test('a cost beside that of a commit is the median of the rounds, each beside the one of its turn', () => {
  // The machine became half as fast for the second round: both sides paid for it.
  const proxies = {
    prox: of(round(11, 0, 1, 1), round(22, 0, 1, 1)),
    'prox-before': of(round(10, 0, 1, 1), round(20, 0, 1, 1)),
  };
  const compared = { cases: { h2: { proxies }, idle: { proxies: { prox: { bytesEach: 1 } } } } };
  expect(costBeside(compared, 'h2')).toEqual({ ratio: expect.closeTo(1.1), spread: expect.closeTo(0) });
  expect(costBeside(compared, 'idle')).toBeNull();
});

describe('arguments', () => {
  const ask = (...args: string[]) => parse(args, ['idle', 'h2'], ['prox', 'nginx']);
  test('mean everything where nothing is named', () => {
    expect(ask('--quick')).toMatchObject({ cases: ['idle', 'h2'], peers: ['prox', 'nginx'], problem: null });
  });

  test('name cases and proxies in any order', () => {
    expect(ask('nginx', 'h2', '--write')).toMatchObject({ cases: ['h2'], peers: ['nginx'], write: true });
  });

  test('compare with a commit over more rounds, and with prox alone', () => {
    expect(ask('h2', '--against', 'main')).toMatchObject({ cases: ['h2'], against: 'main', settings: { rounds: 9 } });
    expect(ask('--against', 'main', '--rounds', '3')).toMatchObject({ settings: { rounds: 3 }, problem: null });
    expect(ask('nginx', '--against', 'main').problem).toContain('nginx');
    expect(ask('--write', '--against', 'main').problem).toContain('--write');
  });

  test.each([['h3'], ['--fast'], ['--out'], ['--against']])('%s is a problem that names it', (arg) => {
    expect(ask(arg).problem).toContain(arg);
  });
});
