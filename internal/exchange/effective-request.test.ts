import { describe, expect, it } from 'vitest';
import { CHUNKED, NO_BODY } from '../message/index.ts';
import { BodyStage } from './body-stage.ts';
import { EffectiveRequest } from './effective-request.ts';
import { MemoryExchange } from './testing/memory-exchange.ts';

class PassingStage extends BodyStage {
  write(): void {}
}

describe('an effective request', () => {
  it('leaves what was received as it is', () => {
    const exchange = new MemoryExchange({ path: '/a', fields: { 'X-A': '1' } });
    const request = exchange.editRequest();
    request.forwardPath = '/b';
    request.requestFields.set('X-A', '2');
    expect([exchange.forwardPath, exchange.requestFields.get('x-a')]).toEqual(['/a', '1']);
    expect([request.forwardPath, request.requestFields.get('x-a')]).toEqual(['/b', '2']);
  });

  it('is one for all filters of an exchange', () => {
    const exchange = new MemoryExchange();
    expect(exchange.editRequest()).toBe(exchange.editRequest());
  });

  it('is copied for an attempt, whose changes stay its own', () => {
    const request = new MemoryExchange({ fields: { 'X-A': '1' } }).editRequest();
    request.requestFields.set('X-B', '1');
    const attempt = new EffectiveRequest(request);
    attempt.requestFields.remove('X-A');
    attempt.requestFields.append('X-C', '1');
    expect([...request.requestFields.entries()].map(([name]) => name)).toEqual(['X-A', 'X-B']);
    expect([...attempt.requestFields.entries()].map(([name]) => name)).toEqual(['X-B', 'X-C']);
  });

  it('does not know the length of a body that is changed', () => {
    const request = new MemoryExchange({ requestFraming: 5, fields: { 'Content-Length': '5' } }).editRequest();
    request.transformBody(new PassingStage());
    expect([request.requestFraming, request.requestFields.get('content-length')]).toEqual([CHUNKED, null]);
    expect(request.stages).toHaveLength(1);
  });

  it('has no stages where it has no body', () => {
    const request = new MemoryExchange({ requestFraming: NO_BODY }).editRequest();
    request.transformBody(new PassingStage());
    request.addStage(new PassingStage());
    expect([request.requestFraming, request.stages]).toEqual([NO_BODY, null]);
  });

  it('takes no stage for one attempt, as the body is read once', () => {
    const request = new MemoryExchange({ requestFraming: 5 }).editRequest();
    const attempt = new EffectiveRequest(request, true);
    expect(() => attempt.addStage(new PassingStage())).toThrow('onRequest');
    expect(() => attempt.transformBody(new PassingStage())).toThrow('onRequest');
    expect(attempt.requestFraming).toBe(5);
  });
});
