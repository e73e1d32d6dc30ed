/** Results as a table, and the table in the documents that show it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** A Markdown table of what was measured. @param results rows of { case, prox, other, ratio, bound } */
export function table(results) {
  const lines = ['| case | prox | beside it | ratio | to reach |', '|---|---|---|---|---|'];
  for (const row of results) {
    lines.push(`| ${row.case} | ${row.prox} | ${row.other ?? '–'} | ${row.ratio?.toFixed(2) ?? '–'} | ${row.bound} |`);
  }
  const where = `Node ${process.version}, ${cpus()[0]?.model.trim() ?? 'an unknown processor'}`;
  return `${lines.join('\n')}\n\nMeasured by \`bench/run.sh --write\`: ${where}; the proxy on one core, load and upstream on the other.`;
}

/** Replaces what stands between the marks `bench:begin` and `bench:end`. */
export function writeInto(path, text) {
  const before = readFileSync(path, 'utf8');
  const marks = /(<!-- bench:begin -->)[\s\S]*?(<!-- bench:end -->)/;
  if (!marks.test(before)) throw new Error(`${path} has no marks for the table`);
  writeFileSync(
    path,
    before.replace(marks, (_, begin, end) => `${begin}\n\n${text}\n\n${end}`),
  );
}
