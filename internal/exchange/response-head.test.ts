import { describe, expect, it } from 'vitest';
import { CHUNKED, Fields, NO_BODY, UNTIL_CLOSE } from '../message/index.ts';
import { BodyStage } from './body-stage.ts';
import { ResponseHead } from './response-head.ts';

class PassingStage extends BodyStage {
  write(buffer: Buffer, start: number, end: number): void {
    this.next.write(buffer, start, end);
  }
}

const stage = (): BodyStage => new PassingStage();

function head(status: number, framing = 5, toHead = false): ResponseHead {
  const fields = Fields.of([
    ['Content-Length', '5'],
    ['Accept-Ranges', 'bytes'],
    ['Content-Digest', 'sha-256=:x:'],
    ['ETag', '"a"'],
  ]);
  return new ResponseHead(status, 'whatever', fields, framing, toHead);
}

const names = ({ fields }: ResponseHead): string[] => [...fields.entries()].map(([name]) => name);

describe('the head of a response', () => {
  it('has the usual reason phrase of a status that was set', () => {
    const response = head(200);
    response.setStatus(404);
    expect([response.status, response.reason]).toEqual([404, 'Not Found']);
  });

  it.each([100, 199, 600, 200.5, Number.NaN])('takes no status %s', (status) => {
    expect(() => head(200).setStatus(status)).toThrow(RangeError);
  });

  it('knows whether a body follows', () => {
    expect(head(200).hasBody).toBe(true);
    expect(head(200, CHUNKED).hasBody).toBe(true);
    expect(head(200, UNTIL_CLOSE).hasBody).toBe(true);
    expect(head(200, NO_BODY).hasBody).toBe(false);
    expect(head(200, 5, true).hasBody).toBe(false);
    for (const status of [204, 205, 304]) expect(head(status).hasBody).toBe(false);
  });

  it.each([204, 205, 304])('has no body where a %s becomes a 200, and says so', (status) => {
    const response = head(status);
    response.setStatus(200);
    expect([response.hasBody, response.framing, names(response)]).toEqual([
      false,
      NO_BODY,
      ['Accept-Ranges', 'Content-Digest', 'ETag'],
    ]);
  });

  it('loses its body where a 200 becomes a 204', () => {
    const response = head(200);
    response.addStage(stage);
    response.setStatus(204);
    expect(response.hasBody).toBe(false);
  });

  it('has its stages in the order in which they were added', () => {
    const response = head(200);
    const [first, second] = [stage(), stage()];
    response.addStage(() => first);
    response.addStage(() => second);
    expect(response.stages).toEqual([first, second]);
    expect(response.framing).toBe(5);
  });

  it('makes no stage where no body follows', () => {
    const response = head(304);
    response.addStage(() => expect.fail('a stage was made'));
    response.transformBody(() => expect.fail('a stage was made'));
    expect(response.stages).toBeNull();
  });

  it('loses what is true of the exact bytes alone when its body is changed', () => {
    const response = head(200);
    response.transformBody(stage);
    expect([names(response), response.framing, response.stages?.length]).toEqual([['ETag'], CHUNKED, 1]);
  });

  it('tells a HEAD what a GET would be told', () => {
    const response = head(200, 5, true);
    response.transformBody(stage);
    expect([names(response), response.framing, response.stages]).toEqual([['ETag'], CHUNKED, null]);
  });
});
