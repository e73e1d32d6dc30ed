/**
 * The config as the rest of prox sees it: decoded, checked, every default filled in, every name resolved, deeply
 * frozen. Nothing downstream of the loader looks at raw values again.
 *
 * Units: durations are milliseconds, sizes are bytes, rates are megabits (10^6 bits) a second.
 */

/** Where a value stands in the file that it was written in. Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A value in a file. */
export interface Place {
  readonly position: Position;
  /** The way to the value within its file, such as `services.web.routes[3].action.upstream`; empty for the whole file. */
  readonly path: string;
}

/** One thing that is wrong with a config. Line 1, column 1 for a file that could not be read at all. */
export interface Problem extends Place {
  /** What is wrong, and what is allowed. */
  readonly message: string;
}

/** A whole configuration: what one generation of the daemon is compiled from. */
export interface Config {
  readonly services: readonly ServiceConfig[];
  readonly logging: LoggingConfig;
  readonly resolver: ResolverConfig;
  /** By name; ready-made ones that a route uses stand under their names that begin with `prox:`. */
  readonly plugins: Readonly<Record<string, PluginConfig>>;
  readonly admin: AdminConfig | null;
  /** Where the config first names each log file, by its absolute path: for errors that only opening the file shows. */
  readonly logs: Readonly<Record<string, Place>>;
  /** Absolute paths of every file and folder that was read: what the watcher watches. */
  readonly files: readonly string[];
  /**
   * Absolute paths that were not checked, because another machine may serve the config: certificates, keys, files to serve,
   * logs. Empty for a config that prox serves.
   */
  readonly skipped: readonly string[];
  /** Faults that do not prevent serving, such as a certificate that expires within days. */
  readonly warnings: readonly Problem[];
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LoggingConfig {
  /** The level in the config file; null if it sets none. The environment and the command line come first. */
  readonly level: LogLevel | null;
  /** Absolute path of the global access log, or null for none. */
  readonly accessLog: string | null;
  /** The keys of the lines of every access log. */
  readonly accessFormat: 'json' | 'prox-go';
  /** Absolute path of the file for warnings and errors, or null for none. */
  readonly errorLog: string | null;
  readonly rotate: RotateConfig | null;
}

/** Rotation of the log files by prox itself. At least one of frequency and size is set. */
export interface RotateConfig {
  /** `daily`, `hourly`, or milliseconds. */
  readonly frequency: 'daily' | 'hourly' | number | null;
  /** Bytes. */
  readonly size: number | null;
  /** How many rotated files are kept; null keeps all. */
  readonly keep: number | null;
}

/** How prox looks up the names of upstreams. Null: as the files of the system say. */
export interface ResolverConfig {
  /** True: prox asks the resolver of the system and ignores the properties below. */
  readonly system: boolean;
  /** IP addresses with or without a port. */
  readonly servers: readonly string[] | null;
  /** Absolute path of the hosts file. */
  readonly hosts: string | null;
  /** For one server. */
  readonly timeout: number | null;
  readonly attempts: number | null;
}

export type PluginConfig = ExternalPluginConfig | BuiltInPluginConfig;

/** A plugin that runs outside of prox. */
export interface ExternalPluginConfig {
  readonly category: null;
  /** Absolute path. */
  readonly path: string;
  readonly autostart: boolean;
}

/** A built-in middleware. */
export interface BuiltInPluginConfig {
  readonly category: string;
  /** What the `build` of the feature of that category has made; plain data. */
  readonly config: unknown;
}

export interface AdminConfig {
  readonly listen: ListenAddress;
  readonly token: string | null;
}

/** A parsed listen address. `text` is as written, for messages. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string | null; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

export interface ServiceConfig {
  readonly name: string;
  readonly listen: ListenAddress;
  /** Null for a plain listener. */
  readonly tls: TlsConfig | null;
  readonly plugins: readonly string[];
  readonly limits: ServiceLimits;
  readonly routes: readonly RouteConfig[];
  readonly position: Position;
  /** Positions of the values of its own keys, for errors that only the start shows: `listen`, `config.max_connections` … */
  readonly positions: Readonly<Record<string, Position>>;
}

export interface TlsConfig {
  /** In the order of choice: the pair, or those of the folder by the name of their file; empty only with acme. */
  readonly certificates: readonly CertificateConfig[];
  readonly h2: boolean;
  /** Checked and kept as written, but for `storage`, which is absolute: its runtime comes later. */
  readonly acme: Readonly<Record<string, unknown>> | null;
  /** The PEM text of the bundle that client certificates are verified against; null asks clients for none. */
  readonly clientCa: string | null;
  /** `require` refuses a client without a valid certificate, `request` lets it in; null without clientCa. */
  readonly clientAuth: 'require' | 'request' | null;
  readonly protocol: TlsProtocol;
}

/** What is spoken in TLS. */
export interface TlsProtocol {
  readonly min: '1.2' | '1.3';
  readonly max: '1.2' | '1.3';
  /** OpenSSL names, the preferred one first; null for the defaults. */
  readonly ciphers: readonly string[] | null;
  /** OpenSSL names of groups, the preferred one first; null for those of OpenSSL. */
  readonly curves: readonly string[] | null;
}

/** A certificate with its chain, and its key; they belong together, and OpenSSL takes them. */
export interface CertificateConfig {
  /** PEM text: the server's own certificate first. */
  readonly cert: string;
  /** PEM text, not encrypted. */
  readonly key: string;
  /** The host names that it is for: lower case, no trailing dot, `*.` in front of a wildcard. Empty for none. */
  readonly names: readonly string[];
  /** Kind of its key as node:crypto names it: `rsa`, `ec`, `ed25519` … */
  readonly keyType: string;
  /** Absolute paths, for messages. */
  readonly certPath: string;
  readonly keyPath: string;
}

/** The `config` block of a service with every default filled in. 0 means "no limit" where noted. */
export interface ServiceLimits {
  /** Whole request; 0 = none. */
  readonly readTimeout: number;
  /** Whole response; 0 = none. */
  readonly writeTimeout: number;
  readonly idleTimeout: number;
  readonly responseHeaderTimeout: number;
  /** Null: the action's timeout, else 5 s. */
  readonly dialTimeout: number | null;
  readonly tlsHandshakeTimeout: number;
  readonly keepAlive: number;
  readonly maxIdleConns: number;
  readonly maxIdleConnsPerHost: number;
  readonly readBufferSize: number;
  readonly writeBufferSize: number;
  /** Null for the default, which is another for clients than for upstreams. */
  readonly h2ReadIdleTimeout: number | null;
  readonly h2PingTimeout: number;
  readonly h2StreamWindow: number;
  readonly h2ConnectionWindow: number;
  /** 0 = none. */
  readonly maxConnections: number;
  readonly headerTimeout: number;
  readonly stallTimeout: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
  readonly maxTargetBytes: number;
  /** Routes match with empty segments of a path merged. */
  readonly mergeSlashes: boolean;
  /** How to handle a path with an encoded slash or backslash. */
  readonly encodedSlashes: 'keep' | 'refuse';
  /** 0 = none. */
  readonly maxBodyBytes: number;
  /** Bytes a second of a request's body; 0 = none. */
  readonly minRate: number;
  /** CIDRs (a bare address is a /32 or /128), checked. */
  readonly trustedProxies: readonly string[];
  readonly proxyProtocol: boolean;
  /** Fields with an underscore in their names are forwarded to upstreams. */
  readonly underscores: boolean;
  readonly shutdownTimeout: number;
}

export interface RouteConfig {
  /** `service:index`, the index counting from 0 after includes are spliced in. */
  readonly id: string;
  /** Null for a catch-all. */
  readonly match: MatchConfig | null;
  readonly action: ActionConfig;
  readonly set: Readonly<Record<string, string>>;
  readonly balancer: BalancerConfig | null;
  readonly speed: SpeedConfig | null;
  /** Of service, action and route, in the order of running, each once. Names in `Config.plugins`, or absolute paths. */
  readonly plugins: readonly string[];
  readonly pluginTimeout: number;
  /** Absolute path, `off`, or null for the global one; route beats action. */
  readonly accessLog: string | null;
  readonly position: Position;
}

export interface MatchConfig {
  /** Lower case, no trailing dot; null when only the path matters. */
  readonly domain: string | null;
  /**
   * The alternatives of `path`, split at the commas, trimmed and normalised as request paths are (RFC 3986 §6.2.2:
   * unreserved characters decoded, hex digits upper case, other bytes encoded); empty when only the domain matters.
   */
  readonly paths: readonly string[];
  /** Upper case; empty = all. */
  readonly methods: readonly string[];
}

export interface BalancerConfig {
  readonly type: 'roundrobin' | 'random' | 'leastconn' | 'twochoices';
  /** Unique; empty only when plugins fill them. */
  readonly targets: readonly string[];
  /** With grouped targets from plugins: any target of any group serves a key that has none of its own. */
  readonly fallback: boolean;
}

/** At least one of the two is set and above 0. */
export interface SpeedConfig {
  readonly downloadMbps: number | null;
  readonly uploadMbps: number | null;
  readonly shared: boolean;
}

export type ActionConfig = ProxyConfig | StaticConfig | ServeConfig | PassConfig | DropConfig;

interface ActionBase {
  /** The name under `actions`, or null for an inline action. */
  readonly name: string | null;
  readonly plugins: readonly string[];
  readonly accessLog: string | null;
  readonly position: Position;
}

export interface ProxyConfig extends ActionBase {
  readonly type: 'proxy';
  readonly upstream: string;
  /** Bounds dialing where the service does not; null = the default. */
  readonly timeout: number | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Resolved; circles are refused at load. */
  readonly fallback: ActionConfig | null;
  readonly proto: 'h2' | null;
  readonly stream: boolean;
  readonly preserveHost: boolean;
  /** How `https://` upstreams are verified and met; null = the system's roots, verification on. */
  readonly upstreamTls: UpstreamTlsConfig | null;
  /** The PROXY protocol header that opens each upstream connection; null = none. */
  readonly proxyProtocol: ProxyProtocolVersion | null;
}

export type ProxyProtocolVersion = 'v1' | 'v2';

/** TLS towards an upstream. Certificates and keys are PEM text. */
export interface UpstreamTlsConfig {
  /** Bundle of roots instead of the system's; null = the system's. */
  readonly ca: string | null;
  /** True accepts any certificate: an attacker between the two can read and change the traffic. */
  readonly insecure: boolean;
  /** The name sent as SNI and verified; null = the upstream's host. */
  readonly serverName: string | null;
  /** Client certificate and its key: both or neither. */
  readonly cert: string | null;
  readonly key: string | null;
}

export interface StaticConfig extends ActionBase {
  readonly type: 'static';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ResourceConfig | null;
}

export interface ServeConfig extends ActionBase {
  readonly type: 'serve';
  /** Absolute path; exactly one of root and file is set. */
  readonly root: string | null;
  readonly file: string | null;
  readonly cache: ServeCacheConfig;
}

/** What a serve action keeps in memory, for each route and worker process that has it. */
export interface ServeCacheConfig {
  /** Bytes; 0 = nothing is kept. */
  readonly size: number;
  /** Bytes of the largest file whose contents are kept; a file larger than `size` never is. */
  readonly maxFileSize: number;
  /** For so long the disk is not looked at; 0 = nothing is kept. */
  readonly maxAge: number;
}

export interface PassConfig extends ActionBase {
  readonly type: 'pass';
  readonly upstream: string;
  readonly proxyProtocol: ProxyProtocolVersion | null;
}

export interface DropConfig extends ActionBase {
  readonly type: 'drop';
}

/** A resolved body. The bytes are not frozen, as typed arrays cannot be: no code writes to them. */
export interface ResourceConfig {
  readonly kind: 'text' | 'json' | 'file';
  readonly body: Uint8Array;
  /** From the kind, or from the file's extension. */
  readonly contentType: string;
  /** The body is sent as it stands. Otherwise placeholders are filled in; a name that is none stays as it is. */
  readonly raw: boolean;
}
