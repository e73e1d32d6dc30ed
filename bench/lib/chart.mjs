/** The chart of the README: CPU a unit of work beside nginx's, a panel for each case, a bar for each proxy. */
import { baseOf, cpuRatio, summary } from './summary.mjs';
import { ratio } from './tables.mjs';

const COLUMNS = 3;
const PANEL_WIDTH = 306;
const NAME_WIDTH = 132;
const VALUE_WIDTH = 40;
const BAR = 11;
const STEP = 15;
const TITLE = 30;
const GAP = 16;
const MARGIN = 18;
const HEAD = 56;
/** A bar beyond this is drawn broken: the others would be too short to compare. */
const LONGEST = 10;
const KINDS = [
  ['prox', 'prox'],
  ['native', 'written in C'],
  ['go', 'written in Go'],
  ['javascript', 'written in JavaScript'],
];

const STYLE = `<style>
.card{fill:#ffffff;stroke:#d0d7de}.gap{fill:#ffffff}.text{fill:#1f2328}.soft{fill:#59636e;stroke:#ffffff;stroke-width:3;paint-order:stroke}.line{stroke:#59636e;stroke-width:1;stroke-dasharray:2 2}
.prox{fill:#0969da}.native{fill:#6e7781}.go{fill:#1b7c83}.javascript{fill:#bf8700}
@media (prefers-color-scheme: dark){
.card{fill:#0d1117;stroke:#3d444d}.gap{fill:#0d1117}.text{fill:#f0f6fc}.soft{fill:#9198a1;stroke:#0d1117}.line{stroke:#9198a1}
.prox{fill:#4493f8}.native{fill:#9198a1}.go{fill:#39c5cf}.javascript{fill:#d29922}}
</style>`;

/** @param {object} results as in results.json @returns {string} SVG with a ground of its own, for light and dark pages */
export function chart(results) {
  const names = Object.keys(results.proxies).filter((name) => name === 'prox' || results.proxies[name].kind !== 'prox');
  const panels = Object.entries(results.cases)
    .filter(([name, { kind, chart }]) => kind === 'load' && chart && summary(results, name, 'prox') !== null)
    .map(([name, { title }]) => ({ title, bars: barsOf(results, name, names) }))
    .filter(({ bars }) => bars.length > 1);
  const parts = [];
  let top = HEAD;
  for (let first = 0; first < panels.length; first += COLUMNS) {
    const row = panels.slice(first, first + COLUMNS);
    row.forEach((panel, column) => parts.push(draw(panel, MARGIN + column * (PANEL_WIDTH + GAP), top)));
    top += TITLE + Math.max(...row.map(({ bars }) => bars.length)) * STEP + GAP;
  }
  const width = 2 * MARGIN + COLUMNS * PANEL_WIDTH + (COLUMNS - 1) * GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" font-family="system-ui, sans-serif" font-size="11">
${STYLE}
<rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${top - 1}" rx="6"/>
<text class="text" x="${MARGIN}" y="24" font-size="15" font-weight="600">CPU time for the same work, nginx = 1: shorter is better</text>
<text class="soft" x="${width - MARGIN}" y="24" text-anchor="end">dotted: nginx; each panel has a scale of its own</text>
${legend()}
${parts.join('\n')}
</svg>
`;
}

/** nginx is 1, where it takes part; else the one that is named in the panel's title. */
function barsOf(results, name, names) {
  const other = baseOf(results, name);
  return names.flatMap((proxy) => {
    const value = cpuRatio(results, name, proxy, other);
    return value === null ? [] : [{ ...results.proxies[proxy], value, base: proxy === other }];
  });
}

function draw({ title, bars }, left, top) {
  const most = Math.min(LONGEST, Math.max(...bars.map(({ value }) => value)));
  const scale = (PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH) / most;
  const from = left + NAME_WIDTH;
  const base = bars.find((bar) => bar.base);
  const note = base === undefined || base.title === 'nginx' ? '' : ` (${escape(base.title)} = 1)`;
  const lines = [`<text class="text" x="${left}" y="${top + 14}" font-weight="600">${escape(title)}${note}</text>`];
  // The values come last: they cover the line of nginx.
  const values = [];
  const [one, above] = [(from + scale).toFixed(1), top + TITLE - 11];
  bars.forEach(({ title, kind, value }, index) => {
    const y = top + TITLE - 8 + index * STEP;
    const weight = kind === 'prox' ? ' font-weight="600"' : '';
    const width = Math.max(1, Math.min(value, most) * scale);
    lines.push(
      `<text class="text" x="${from - 6}" y="${y + 9}" text-anchor="end"${weight}>${escape(title)}</text>`,
      `<rect class="${kind}" x="${from}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="1.5"/>`,
    );
    values.push(`<text class="soft" x="${(from + width + 4).toFixed(1)}" y="${y + 9}"${weight}>${ratio(value)}</text>`);
    if (value > LONGEST) {
      lines.push(
        `<rect class="gap" x="${(from + width - 16).toFixed(1)}" y="${y - 1}" width="4" height="${BAR + 2}"/>`,
      );
    }
  });
  lines.push(`<line class="line" x1="${one}" x2="${one}" y1="${above}" y2="${above + bars.length * STEP + 2}"/>`);
  return [...lines, ...values].join('\n');
}

function legend() {
  return KINDS.map(
    ([kind, text], index) =>
      `<rect class="${kind}" x="${MARGIN + index * 150}" y="35" width="10" height="10" rx="1.5"/><text class="soft" x="${MARGIN + 15 + index * 150}" y="44">${text}</text>`,
  ).join('\n');
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
