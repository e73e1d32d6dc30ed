/** How long answers take when a proxy is busy, but not overloaded: at a fixed share of a rate that it can hold. */
import { atRate, wrk } from './load.mjs';
import { alternate } from './rounds.mjs';
import { median } from './stats.mjs';

/** Of the greatest rate that keep-alive has. */
const SHARE = 0.7;
const REFERENCE = 'nginx';
const SECONDS = 2;

export const latencyCase = {
  latency: {
    title: 'time of an answer below saturation, 2 B',
    kind: 'latency',
    unit: 'request',
    needs: [],
    without: { javascript: 'has a saturation rate too low to compare' },
    run,
  },
};

/** At 70 % of each proxy's own rate, and all of those that can at 70 % of nginx's. */
async function run({ peers, settings, results, onFailure }) {
  const saturation = { ...rates(results.cases['keep-alive']) };
  const unknown = peers.filter(({ name }) => !(name in saturation));
  if (unknown.length > 0) {
    const load = (running, seconds) => wrk(`http://127.0.0.1:${running.scene.port}`, seconds);
    const asked = { peers: unknown, scene: {}, load, settings, onFailure };
    Object.assign(saturation, rates(await alternate(asked)));
  }
  const known = peers.filter(({ name }) => name in saturation);
  const longer = settings.quick ? settings : { ...settings, seconds: SECONDS };
  const at = (names, rateOf) =>
    alternate({
      peers: known.filter(({ name }) => names.includes(name)),
      scene: {},
      load: ({ peer, scene }, seconds) => atRate(`http://127.0.0.1:${scene.port}`, seconds, rateOf(peer.name)),
      settings: longer,
      onFailure,
    });
  const own = await at(Object.keys(saturation), (name) => SHARE * saturation[name]);
  const proxies = {};
  for (const [name, measured] of Object.entries(own.proxies)) {
    proxies[name] = { saturation: saturation[name], own: { rate: SHARE * saturation[name], ...measured } };
  }
  const reference = saturation[REFERENCE];
  if (reference === undefined) return { proxies, failed: own.failed };
  const rate = SHARE * reference;
  const able = Object.keys(proxies).filter((name) => saturation[name] > rate);
  const same = await at(able, () => rate);
  for (const [name, measured] of Object.entries(same.proxies)) proxies[name].same = { rate, ...measured };
  return { proxies, failed: { ...own.failed, ...same.failed } };
}

function rates(outcome) {
  const measured = Object.entries(outcome?.proxies ?? {}).filter(([, { rounds }]) => rounds.length > 0);
  return Object.fromEntries(measured.map(([name, { rounds }]) => [name, median(rounds.map((r) => r.perSecond))]));
}
