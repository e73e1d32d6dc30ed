/**
 * The Go proxies that are built from source, pinned. Those in JavaScript are pinned in package.json beside this file;
 * nginx and HAProxy come from the system.
 *
 * `module` and `package` are what `go install` gets. A module with relative `replace` lines cannot be installed like
 * that: `copied` builds it in a copy of its folder.
 */
export const GO_MODULES = {
  'go-prox': { module: 'github.com/labostack/prox', version: 'v0.36.0', package: 'cmd/prox' },
  caddy: { module: 'github.com/caddyserver/caddy/v2', version: 'v2.11.9', package: 'cmd/caddy' },
  traefik: { module: 'github.com/traefik/traefik/v3', version: 'v3.6.6', package: 'cmd/traefik', copied: true },
};
