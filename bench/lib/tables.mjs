export function resultTable(results, name) {
  return JSON.stringify(results.cases[name].proxies, (k, v) =>
    typeof v === 'number' ? Math.round(v * 10) / 10 : v,
  ).replaceAll('},"', '},\n"');
}
