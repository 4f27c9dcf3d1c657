/**
 * What the user reads of a session. Every string goes through the translator.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { RequestError } from './model';
import type { ISessionState, Phase } from './protocol';

/** A state in one word. */
export function phaseWord(phase: Phase, trans: TranslationBundle): string {
  switch (phase) {
    case 'none':
      return trans.__('no session');
    case 'starting':
      return trans.__('starting');
    case 'ready':
      return trans.__('ready');
    case 'busy':
      return trans.__('busy');
    case 'paused':
      return trans.__('paused');
    case 'reconnecting':
      return trans.__('reconnecting');
    case 'ended':
      return trans.__('ended');
  }
}

/** Seconds until the session ends by itself; null when that is not known or not to be. */
export function secondsLeft(state: ISessionState, now: number): number | null {
  const ends = [state.idleEndsAt, state.lifeEndsAt].filter(each => each !== null);
  const alive = state.phase !== 'none' && state.phase !== 'ended';
  return alive && ends.length > 0 ? Math.max(0, Math.min(...ends) - now) : null;
}

/** A span of time in its largest unit, as a person says it. */
export function span(seconds: number, trans: TranslationBundle): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) {
    return trans.__('less than 1 min');
  }
  const hours = Math.floor(minutes / 60);
  return hours < 1 ? trans.__('%1 min', minutes) : trans.__('%1 h %2 min', hours, minutes % 60);
}

/** State and time left, as in "ready, 54 min left". */
export function summary(state: ISessionState, now: number, trans: TranslationBundle): string {
  const left = secondsLeft(state, now);
  const word = phaseWord(state.phase, trans);
  return left === null ? word : trans.__('%1, %2 left', word, span(left, trans));
}

/** What went wrong, and what may be done about it. */
export function failureText(error: unknown, trans: TranslationBundle): string {
  if (!(error instanceof RequestError)) {
    return error instanceof Error ? error.message : String(error);
  }
  const { message, nextStep, requestId } = error.failure;
  const said = message || trans.__('The kernel does not answer any more.');
  const id = requestId ? trans.__('Request id: %1', requestId) : '';
  return [said, nextStep, id].filter(Boolean).join('\n');
}

/** What the provider says of a session, in words; what is not known stays as it is. */
export function statusWord(status: string, trans: TranslationBundle): string {
  switch (status.toUpperCase()) {
    case 'CREATING':
      return trans.__('starting');
    case 'RUNNING':
      return trans.__('running');
    case 'PAUSING':
      return trans.__('pausing');
    case 'PAUSED':
      return trans.__('paused');
    case 'RESUMING':
      return trans.__('waking');
    case 'DELETING':
      return trans.__('deleting');
    case 'DELETED':
      return trans.__('deleted');
    default:
      return status.toLowerCase();
  }
}

/** What a session is called: its name in the notebook, or its id. */
export function sessionName(session: {
  readonly name: string;
  readonly sessionId: string;
}): string {
  return session.name || session.sessionId;
}
