/** What the middleware sub_filter costs a body of 32 KiB, by the kind of rule. */
import { compileRule, parseRule } from '../../internal/feature/sub-filter/rule.ts';
import { bench, keep } from './harness.ts';

const LINE = '<p>Some text with a <a href="http://backend:8080/path">link</a>, and more of it.</p>\n';
const BODY = Buffer.from(LINE.repeat(Math.ceil(32_768 / LINE.length))).subarray(0, 32_768);

for (const rule of [
  `sub_filter 'not there' '' g`,
  `sub_filter 'NOT THERE' '' gi`,
  `sub_filter 'http://backend:8080/' '/' g`,
  `subs_filter 'http://backend(:\\d+)?/' '/' g`,
  `subs_filter '<a [^>]*>' '' g`,
]) {
  const make = compileRule(parseRule(rule));
  await bench(rule, (ops) => {
    for (let i = 0; i < ops; i++) {
      const replacer = make();
      keep(replacer.push(BODY).length + replacer.end().length);
    }
  });
}
