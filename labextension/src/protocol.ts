/**
 * What the kernel and this extension say to each other over the comm `agentbay`.
 *
 * The extension opens the comm. The kernel sends its state and answers requests; it never sends a
 * command. No link, key or token stands in a state.
 */
import type { JSONObject, JSONValue } from '@lumino/coreutils';

/** The version that both sides must have. */
export const VERSION = 1;

/** The comm's target. */
export const TARGET = 'agentbay';

/** What a kernel of ours calls itself in its kernel_info. */
export const IMPLEMENTATION = 'agentbay-kernel';

/** The most bytes of a file that one message takes. */
export const CHUNK_BYTES = 1_000_000;

/** What a session may be doing. */
export const PHASES = [
  'none',
  'starting',
  'ready',
  'busy',
  'paused',
  'reconnecting',
  'ended'
] as const;

/** One of `PHASES`. */
export type Phase = (typeof PHASES)[number];

/** What a kernel tells of its session; times are seconds since the epoch. */
export interface ISessionState {
  readonly phase: Phase;
  readonly provider: string;
  readonly sessionId: string;
  readonly name: string;
  readonly image: string;
  readonly notebook: string;
  readonly language: string;
  readonly startedAt: number | null;
  readonly idleEndsAt: number | null;
  readonly lifeEndsAt: number | null;
  readonly runningSince: number | null;
  readonly message: string;
}

/** A session of the account, as `sessions` lists it. */
export interface ISessionRow {
  readonly sessionId: string;
  readonly name: string;
  readonly status: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What may be asked of the kernel. */
export type Action =
  | 'panel'
  | 'sessions'
  | 'attach'
  | 'delete'
  | 'start'
  | 'extend'
  | 'restart_interpreter'
  | 'link'
  | 'upload'
  | 'capabilities'
  | 'sync'
  | 'mount'
  | 'context_names';

/** Why the kernel did not do what it was asked. */
export interface IFailure {
  /** Which failure it is, where the front end can do something about it. */
  readonly kind: string;
  readonly message: string;
  readonly nextStep: string;
  readonly requestId: string;
}

/** A message of the kernel's. */
export type Message =
  | { readonly type: 'state'; readonly version: number; readonly state: ISessionState }
  | { readonly type: 'reply'; readonly id: number; readonly value: JSONValue }
  | { readonly type: 'failure'; readonly id: number; readonly failure: IFailure };

/** The data of a request; `id` comes back in the reply. */
export function request(id: number, action: Action, args: JSONObject): JSONObject {
  return { type: 'request', id, action, args };
}

/** Read a message; null for what is none. */
export function readMessage(data: unknown): Message | null {
  if (!isObject(data)) {
    return null;
  }
  if (data.type === 'state' && typeof data.version === 'number') {
    return { type: 'state', version: data.version, state: readState(data.state) };
  }
  if (data.type !== 'reply' || typeof data.id !== 'number') {
    return null;
  }
  return data.ok === true
    ? { type: 'reply', id: data.id, value: (data.value ?? null) as JSONValue }
    : { type: 'failure', id: data.id, failure: readFailure(data.error) };
}

/** Read the rows of a reply to `sessions`; what is no session is left out. */
export function readRows(value: unknown): ISessionRow[] {
  const rows = isObject(value) && Array.isArray(value.rows) ? value.rows : [];
  return rows.filter(isObject).flatMap(row => {
    const sessionId = text(row.session_id);
    const { name, status, image, labels } = row;
    return sessionId
      ? [
          {
            sessionId,
            name: text(name),
            status: text(status),
            image: text(image),
            labels: readLabels(labels)
          }
        ]
      : [];
  });
}

/** The text of a reply's field; empty when there is none. */
export function field(value: unknown, name: string): string {
  return isObject(value) ? text(value[name]) : '';
}

function readState(state: unknown): ISessionState {
  const given = isObject(state) ? state : {};
  return {
    phase: PHASES.find(each => each === given.state) ?? 'none',
    provider: text(given.provider),
    sessionId: text(given.session_id),
    name: text(given.name),
    image: text(given.image),
    notebook: text(given.notebook),
    language: text(given.language),
    startedAt: time(given.started_at),
    idleEndsAt: time(given.idle_ends_at),
    lifeEndsAt: time(given.life_ends_at),
    runningSince: time(given.running_since),
    message: text(given.message)
  };
}

function readFailure(error: unknown): IFailure {
  return {
    kind: field(error, 'kind'),
    message: field(error, 'message'),
    nextStep: field(error, 'next_step'),
    requestId: field(error, 'request_id')
  };
}

function readLabels(labels: unknown): Record<string, string> {
  const pairs = isObject(labels) ? Object.entries(labels) : [];
  return Object.fromEntries(pairs.map(([key, value]) => [key, text(value)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function time(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
