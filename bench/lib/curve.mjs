/** A line chart as SVG: one line for each series over the same times. */

const WIDTH = 820;
const HEIGHT = 320;
const LEFT = 60;
const BOTTOM = 40;
const TOP = 30;
const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd'];

/**
 * @param {string} title
 * @param {number[]} times seconds
 * @param {Record<string, number[]>} series MB at these times, by name
 */
export function curve(title, times, series) {
  const highest = Math.max(...Object.values(series).flat());
  const step = niceStep(highest / 5);
  const top = Math.ceil(highest / step) * step;
  const last = times.at(-1) ?? 1;
  const x = (time) => (LEFT + (time / last) * (WIDTH - LEFT - 20)).toFixed(1);
  const y = (value) => (HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP)).toFixed(1);
  const parts = [`<text x="${LEFT}" y="18" font-size="14">${title}</text>`];
  for (let value = 0; value <= top; value += step) {
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - 20}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>`);
    parts.push(`<text x="${LEFT - 8}" y="${y(value)}" text-anchor="end" dy="4">${value} MB</text>`);
  }
  for (let minute = 0; minute * 60 <= last; minute++) {
    parts.push(`<text x="${x(minute * 60)}" y="${HEIGHT - 20}" text-anchor="middle">${minute} min</text>`);
  }
  Object.entries(series).forEach(([name, values], index) => {
    const points = values.map((value, i) => `${x(times[i])},${y(value)}`).join(' ');
    const colour = COLOURS[index % COLOURS.length];
    parts.push(`<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points}"/>`);
    parts.push(`<text x="${LEFT + 10 + index * 150}" y="${HEIGHT - 4}" fill="${colour}">${name}</text>`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

/** 1, 2 or 5 times a power of ten, at least as large as asked. */
function niceStep(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= value) ?? value;
}
