/**
 * The order of the packages, checked: a package of internal/ imports only from lower levels, and only through the
 * other package's index.ts. Type-only imports count like any other. docs/architecture.md explains the levels.
 */

/** Lowest first. A new package takes a place here before its first file is written. */
const LEVELS = [
  ['base'],
  ['message', 'control'],
  ['http1', 'tlshello', 'proxy-protocol', 'config', 'logger', 'balancing', 'throttle', 'resolver'],
  ['router', 'transport', 'speed-leases'],
  ['upstream'],
  ['exchange'],
  ['downstream', 'proxy', 'files', 'static', 'relay', 'feature'],
  ['dispatcher'],
  ['dataplane'],
  ['watcher', 'supervisor'],
];

/** Bytes in, events out: no sockets, files, timers or logger. */
const PURE = ['message', 'control', 'http1', 'tlshello', 'proxy-protocol', 'balancing', 'router', 'throttle'];

/** What the bundle holds. All are devDependencies, as an installed prox needs none of them. */
const BUNDLED = ['chokidar', 'commander', 'fastest-levenshtein', 'ipaddr.js', 'json5', 'mime'].concat([
  'pino',
  'pino-pretty',
  're2js',
  'zod',
]);

const TEST = '\\.test\\.ts$';
const SHIPPED = '^(cmd|internal|sdk)/';

const any = (names) => `(${names.join('|')})`;
const core = (...names) => `^(node:)?${any(names)}$`;

const packages = LEVELS.flat();

const levelRules = LEVELS.flatMap((names, level) =>
  names.map((name) => {
    const lower = LEVELS.slice(0, level).flat();
    return {
      name: `level-${level}-${name}`,
      comment: `${name} stands on level ${level} and imports only from lower levels: ${lower.join(', ') || 'none'}.`,
      severity: 'error',
      from: { path: `^internal/${name}/` },
      to: { path: '^internal/', pathNot: [`^internal/${any([name, ...lower])}/`] },
    };
  }),
);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...levelRules,
    {
      name: 'unknown-package',
      comment: 'Every package of internal/ has a level in .dependency-cruiser.cjs.',
      severity: 'error',
      from: {},
      to: { path: '^internal/', pathNot: [`^internal/${any(packages)}/`] },
    },
    {
      name: 'unknown-package-imports',
      comment: 'Every package of internal/ has a level in .dependency-cruiser.cjs.',
      severity: 'error',
      from: { path: '^internal/', pathNot: [`^internal/${any(packages)}/`] },
      to: {},
    },
    {
      name: 'only-through-index',
      comment:
        "A package's face is its index.ts; its inner files are its own. Tests may share what stands in testing/.",
      severity: 'error',
      from: { path: '^internal/([^/]+)/' },
      to: { path: '^internal/', pathNot: ['^internal/$1/', '^internal/[^/]+/index\\.ts$', '/testing/'] },
    },
    {
      name: 'features-stand-alone',
      comment: 'Each folder of internal/feature is a package: a middleware knows no other one.',
      severity: 'error',
      from: { path: '^internal/feature/([^/]+)/' },
      to: { path: '^internal/feature/', pathNot: ['^internal/feature/$1/'] },
    },
    {
      name: 'list-of-features-through-index',
      comment: 'The list sees the face of each middleware.',
      severity: 'error',
      from: { path: '^internal/feature/[^/]+\\.ts$' },
      to: { path: '^internal/feature/[^/]+/', pathNot: ['^internal/feature/[^/]+/index\\.ts$'] },
    },
    {
      name: 'features-through-the-list',
      comment: 'Only list.ts imports middlewares, so that adding one touches its folder and the list.',
      severity: 'error',
      from: { pathNot: ['^internal/feature/', '^bench/micro/'] },
      to: { path: '^internal/feature/', pathNot: ['^internal/feature/list\\.ts$'] },
    },
    {
      name: 'only-through-index-from-outside',
      comment:
        "A package's face is its index.ts: nobody but micro-benchmarks, which measure one function, looks inside.",
      severity: 'error',
      from: { path: '^(cmd|sdk|tests|bench|scripts)/', pathNot: ['^bench/micro/'] },
      to: { path: '^internal/', pathNot: ['^internal/[^/]+/index\\.ts$', '^internal/feature/list\\.ts$'] },
    },
    {
      name: 'pure-packages',
      comment: `${PURE.join(', ')} take bytes, values and the time as arguments, so that tests can be exact.`,
      severity: 'error',
      from: { path: `^internal/${any(PURE)}/`, pathNot: [TEST] },
      to: {
        path: core(
          'net',
          'tls',
          'fs',
          'fs/promises',
          'timers',
          'timers/promises',
          'http',
          'https',
          'http2',
          'dgram',
          'dns',
          'dns/promises',
          'child_process',
          'cluster',
          'worker_threads',
          'stream',
          'stream/promises',
          'process',
        ),
      },
    },
    {
      name: 'sockets-only-in-transport',
      comment:
        'transport is the only user of node:net and node:tls: other packages see its Connection. The config loader asks OpenSSL what it takes (certificates, cipher suites, groups), which touches no socket.',
      severity: 'error',
      from: {
        path: SHIPPED,
        pathNot: [
          TEST,
          '/testing/',
          '^internal/transport/',
          '^internal/config/(build/certificate|value/tls-words)\\.ts$',
        ],
      },
      to: { path: core('net', 'tls') },
    },
    {
      name: 'http2-only-in-adapters',
      comment:
        'node:http2 stands behind a port on each side (http2-port.ts): one file of each knows it, so that another codec can take its place.',
      severity: 'error',
      from: { path: SHIPPED, pathNot: [TEST, '/testing/', '^internal/(upstream|downstream)/http2/node-http2\\.ts$'] },
      to: { path: core('http2') },
    },
    {
      name: 'internal-imports-no-outside',
      comment:
        'internal/ knows nothing of the command line, the tests, the benchmarks or the tools; its tests may take what others make certificates and the like with.',
      severity: 'error',
      from: { path: '^internal/' },
      to: { path: '^(cmd|tests|bench|scripts)/', pathNot: ['^tests/testing/(certificates|dns-server)\\.ts$'] },
    },
    {
      name: 'sdk-stands-alone',
      comment: 'A plugin imports sdk/ without the daemon.',
      severity: 'error',
      from: { path: '^sdk/' },
      to: { path: '^(internal|cmd|tests|bench|scripts)/' },
    },
    {
      name: 'no-test-code-shipped',
      comment: 'Shipped code imports no test and nothing of tests/.',
      severity: 'error',
      from: { path: SHIPPED, pathNot: [TEST, '/testing/'] },
      to: { path: [TEST, '/testing/', '^tests/', '^bench/'] },
    },
    {
      name: 'only-bundled-libraries-shipped',
      comment: 'The daemon imports the libraries that BUNDLED names, and none that is meant for tests and tools.',
      severity: 'error',
      from: { path: SHIPPED, pathNot: [TEST, '/testing/'] },
      to: { path: '^node_modules/', pathNot: [`^node_modules/${any([...BUNDLED, '@types'])}/`] },
    },
    {
      name: 'only-known-libraries',
      comment: 'Each imported library stands in package.json.',
      severity: 'error',
      from: { path: SHIPPED },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-circular',
      comment: 'A circle of files is one file in disguise.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports is dead.',
      severity: 'error',
      from: { orphan: true, path: SHIPPED, pathNot: [TEST, '^cmd/[^/]+/main\\.ts$', '\\.d\\.ts$', '^sdk/index\\.ts$'] },
      to: {},
    },
    {
      name: 'no-unreachable',
      comment: 'Shipped code that the daemon never reaches is dead, but for what makes the reference in docs/.',
      severity: 'error',
      from: { path: '^cmd/[^/]+/main\\.ts$' },
      to: {
        path: '^internal/',
        pathNot: [TEST, '/testing/', '^internal/config/reference/', '\\.d\\.ts$'],
        reachable: false,
      },
    },
    {
      name: 'not-to-unresolvable',
      comment: 'An import that cannot be resolved fails at run time.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // bench/peers has packages of its own, installed when the benchmark is run.
    exclude: { path: ['^dist/', '^coverage/', '^runtimes/', '^bench/peers/servers/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
    skipAnalysisNotInRules: true,
  },
};
