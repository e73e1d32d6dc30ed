import { describe, expect, it } from 'vitest';
import { CertificateChoice, type TlsCertificate } from './tls-context.ts';

function certificate(id: string, names: readonly string[], keyType = 'ec'): TlsCertificate {
  return { cert: id, key: '', names, keyType };
}

describe('the choice of certificates', () => {
  const choice = new CertificateChoice([
    certificate('first', ['a.test', 'b.test']),
    certificate('second', ['b.test', '*.c.test']),
    certificate('rsa', ['a.test', 'c.test'], 'rsa'),
    certificate('exact', ['x.c.test']),
  ]);

  it.each([
    [null, ['first', 'rsa']],
    ['nobody.test', ['first', 'rsa']],
    ['test', ['first', 'rsa']],
    ['a.test', ['first', 'rsa']],
    ['b.test', ['first']],
    ['c.test', ['rsa']],
    ['y.c.test', ['second']],
    ['x.c.test', ['exact']],
    ['z.x.c.test', ['first', 'rsa']],
  ])('for %s is %s', (name, expected) => {
    expect(choice.find(name).map(({ cert }) => cert)).toEqual(expected);
  });

  it('is none where one certificate has several names', () => {
    expect(new CertificateChoice([certificate('one', ['a.test', '*.a.test'])]).several).toBe(false);
    expect(choice.several).toBe(true);
  });

  it('is one object for equal certificates', () => {
    expect(choice.find('a.test')).toBe(choice.first);
  });
});
