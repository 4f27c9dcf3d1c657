import { nullTranslator } from '@jupyterlab/translation';
import { RequestError } from '../src/model';
import { readMessage } from '../src/protocol';
import type { ISessionState } from '../src/protocol';
import { failureText, secondsLeft, span, summary } from '../src/words';
import { READY } from './fakes';

const trans = nullTranslator.load('agentbay_kernel');

function state(changed: object = {}): ISessionState {
  const message = readMessage({ type: 'state', version: 1, state: { ...READY, ...changed } });
  return (message as { state: ISessionState }).state;
}

describe('what is read of a session', () => {
  it('counts to the nearer end', () => {
    expect(secondsLeft(state(), 1000)).toBe(3600);
    expect(secondsLeft(state({ idle_ends_at: null }), 1000)).toBe(28800);
    expect(secondsLeft(state({ idle_ends_at: null, life_ends_at: null }), 1000)).toBeNull();
  });

  it('is never below nothing', () => {
    expect(secondsLeft(state(), 99999)).toBe(0);
  });

  it('counts nothing for a session that is not there', () => {
    expect(secondsLeft(state({ state: 'ended' }), 1000)).toBeNull();
  });

  it.each([
    [59, 'less than 1 min'],
    [60, '1 min'],
    [3599, '59 min'],
    [3600, '1 h 0 min'],
    [28800 - 1, '7 h 59 min']
  ])('says %d seconds as "%s"', (seconds, words) => {
    expect(span(seconds, trans)).toBe(words);
  });

  it('is the state and the time left', () => {
    expect(summary(state(), 1000, trans)).toBe('ready, 1 h 0 min left');
    expect(summary(state({ state: 'none' }), 1000, trans)).toBe('no session');
    const asleep = state({ state: 'paused', idle_ends_at: null });
    expect(summary(asleep, 1000, trans)).toBe('paused, 8 h 0 min left');
  });

  it('tells a failure with its next step and request id', () => {
    const failure = { kind: '', message: 'Refused.', nextStep: 'Log in', requestId: 'R1' };
    expect(failureText(new RequestError(failure), trans)).toBe('Refused.\nLog in\nRequest id: R1');
  });

  it('has words of its own where no kernel said any', () => {
    const failure = { kind: '', message: '', nextStep: '', requestId: '' };
    expect(failureText(new RequestError(failure), trans)).toMatch(/does not answer/);
  });
});
