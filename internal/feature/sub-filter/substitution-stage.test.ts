import { expect, it } from 'vitest';
import { StagedBody } from '../../exchange/testing/staged-body.ts';
import { EMPTY } from './replacer.ts';
import { SubstitutionStage } from './substitution-stage.ts';

it('searches what came with one read at once, however small its pieces are', async () => {
  const searched: string[] = [];
  const push = (bytes: Buffer): Buffer => {
    searched.push(bytes.toString());
    return bytes;
  };
  const body = new StagedBody(new SubstitutionStage([{ push, end: () => EMPTY }]));
  body.give('many', ' ', 's', 'mall', ' pieces');
  expect([searched, body.received.toString()]).toEqual([['many small pieces'], 'many small pieces']);
  body.give(' of');
  body.giveLast(' a body');
  await body.over;
  expect(searched.filter((text) => text !== '')).toEqual(['many small pieces', ' of', ' a body']);
  expect([body.received.toString(), body.violations]).toEqual(['many small pieces of a body', []]);
});
