/** The documents that show the results, made of nothing but these. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chart } from './chart.mjs';
import { boundsTable, compactNotes, compactTable, provenance, resultTable } from './tables.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Writes the tables between the marks of README.md and bench/README.md, and bench/chart.svg. */
export function writeReport(results) {
  writeInto(at('../../README.md'), brief(results));
  writeInto(at('../README.md'), full(results));
  writeFileSync(at('../chart.svg'), chart(results));
}

/** Cases that the table of README.md shows, where they were measured; the others are in bench/README.md. */
const BRIEF = [
  'keep-alive',
  'body-1m',
  'new-connections',
  'https-keep-alive',
  'h2',
  'l4-pass',
  'routes-10k',
  'serve-4k',
  'serve-1m',
];

/** For README.md: what users ask for first, in a line each. */
export function brief(results) {
  const cases = Object.fromEntries(
    BRIEF.flatMap((name) => (name in results.cases ? [[name, results.cases[name]]] : [])),
  );
  return [
    '![CPU time of each proxy for the same work, beside nginx](bench/chart.svg)',
    compactTable({ ...results, cases }),
    compactNotes({ ...results, cases }, 'bench/README.md'),
  ].join('\n\n');
}

/** For bench/README.md: all figures of every case. */
export function full(results) {
  const cases = Object.keys(results.cases).flatMap((name) => [
    `### ${name}: ${results.cases[name].title}`,
    resultTable(results, name),
  ]);
  return [
    provenance(results),
    '### CPU time of every proxy',
    compactTable(results),
    compactNotes(results, ''),
    '### What prox is to reach',
    boundsTable(results),
    ...cases,
  ].join('\n\n');
}

/** Replaces what stands between the marks `bench:begin` and `bench:end`. */
export function writeInto(path, text) {
  writeFileSync(path, marked(readFileSync(path, 'utf8'), text));
}

/** A document with a text between its marks. @throws {Error} when it has none */
export function marked(document, text) {
  const marks = /(<!-- bench:begin -->)[\s\S]*?(<!-- bench:end -->)/;
  if (!marks.test(document)) throw new Error('no marks for the table');
  return document.replace(marks, (_, begin, end) => `${begin}\n\n${text}\n\n${end}`);
}
