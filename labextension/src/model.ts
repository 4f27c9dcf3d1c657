/**
 * What the front end knows of one kernel's session, and what it may ask of it. No DOM.
 */
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject, JSONValue } from '@lumino/coreutils';
import { PromiseDelegate } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { Action, IFailure, ISessionState, Message } from './protocol';
import { readMessage, request, TARGET, VERSION } from './protocol';

/** Of a comm, what the model uses. */
export type IComm = Pick<
  Kernel.IComm,
  'open' | 'send' | 'close' | 'dispose' | 'isDisposed' | 'onMsg' | 'onClose'
>;

/** Of a kernel connection, what the model uses. */
export interface IKernel {
  readonly status: Kernel.Status;
  readonly connectionStatus: Kernel.ConnectionStatus;
  readonly statusChanged: ISignal<unknown, Kernel.Status>;
  readonly connectionStatusChanged: ISignal<unknown, Kernel.ConnectionStatus>;
  readonly iopubMessage: ISignal<unknown, KernelMessage.IIOPubMessage>;
  createComm(target: string): IComm;
}

/** Whether the kernel has a comm for us, and if not, why. */
export type Contact = 'waiting' | 'open' | 'closed' | 'other-version';

/** A request that the kernel refused, or that it can no longer answer. */
export class RequestError extends Error {
  constructor(readonly failure: IFailure) {
    super(failure.message);
    this.name = 'RequestError';
  }
}

const LIVE: ReadonlySet<Kernel.Status> = new Set(['idle', 'busy']);

const GONE: ReadonlySet<Kernel.Status> = new Set([
  'starting',
  'restarting',
  'autorestarting',
  'terminating',
  'dead'
]);

/** What a kernel itself tells of its work; of restarts and deaths it is the server that tells. */
const TOLD_BY_KERNEL: ReadonlySet<string> = new Set(['starting', 'idle', 'busy']);

/** How long a new comm may be silent before another is opened, and how often that is tried. */
const PATIENCE_MILLISECONDS = 10_000;
const TRIES = 3;

/** One kernel's session, kept up to date by the kernel. */
export class SessionModel implements IDisposable {
  /** Connect to the kernel now, or as soon as it is there. */
  constructor(kernel: IKernel) {
    this._kernel = kernel;
    kernel.statusChanged.connect(this._onStatus, this);
    kernel.connectionStatusChanged.connect(this._onConnection, this);
    kernel.iopubMessage.connect(this._onMessage, this);
    this._onStatus();
  }

  /** Emitted when the state or the contact is another one. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What the kernel told last; null while it has told nothing. */
  get state(): ISessionState | null {
    return this._state;
  }

  /** Whether the kernel can be asked. */
  get contact(): Contact {
    return this._contact;
  }

  /** How often a comm was opened: what was got over an earlier one may no longer be there. */
  get generation(): number {
    return this._generation;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Ask the kernel; raises RequestError with its words when it refuses. */
  async request(
    action: Action,
    args: JSONObject = {},
    buffers: ArrayBuffer[] = []
  ): Promise<JSONValue> {
    if (this._comm === null || this._contact !== 'open') {
      throw new RequestError({ ...NO_KERNEL });
    }
    const id = ++this._lastId;
    const answer = new PromiseDelegate<JSONValue>();
    this._pending.set(id, answer);
    try {
      this._comm.send(request(id, action, args), undefined, buffers);
    } catch {
      this._pending.delete(id);
      throw new RequestError({ ...NO_KERNEL });
    }
    return answer.promise;
  }

  /** Ask a kernel again that closed the comm. */
  retry(): void {
    if (this._contact === 'closed') {
      this._contact = 'waiting';
      this._reopened = false;
      this._changed.emit();
      this._onStatus();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    Signal.clearData(this);
    this._leave();
    if (this._isReachable) {
      this._closeOld();
    }
  }

  /** Whether a message would come to the kernel; one that runs a cell may have told nothing yet. */
  private get _isReachable(): boolean {
    const { status, connectionStatus } = this._kernel;
    return LIVE.has(status) || (status === 'unknown' && connectionStatus === 'connected');
  }

  private _onStatus(): void {
    if (GONE.has(this._kernel.status)) {
      this._lose();
    } else if (this._isReachable) {
      this._open();
    }
  }

  private _onConnection(): void {
    if (this._kernel.connectionStatus === 'connected') {
      this._onStatus();
    } else {
      // What was told over it may be out of date by the time that it is back.
      this._lose();
    }
  }

  /** Another process of the kernel knows none of our comms: somebody else restarted it. */
  private _onMessage(_: unknown, message: KernelMessage.IIOPubMessage): void {
    const { header, content } = message;
    const told = 'execution_state' in content ? String(content.execution_state) : '';
    if (header.msg_type !== 'status' || !TOLD_BY_KERNEL.has(told)) {
      return;
    }
    const other = this._process !== null && this._process !== header.session;
    if (other) {
      this._lose();
      this._old?.dispose();
      this._old = null;
    }
    this._process = header.session;
    if (other) {
      this._onStatus();
    }
  }

  private _open(): void {
    if (this._comm !== null || this._contact !== 'waiting') {
      return;
    }
    this._closeOld();
    this._generation += 1;
    const comm = this._kernel.createComm(TARGET);
    this._comm = comm;
    comm.onMsg = message => {
      if (comm === this._comm) {
        this._process ??= message.header.session;
        this._take(readMessage(message.content.data));
      }
    };
    comm.onClose = () => this._closed(comm);
    comm.open({ version: VERSION });
    this._patience = setTimeout(() => this._again(), PATIENCE_MILLISECONDS);
  }

  /** The kernel's first word may be lost while its channels are being connected. */
  private _again(): void {
    if (this._contact === 'waiting' && ++this._tries < TRIES) {
      this._leave();
      this._onStatus();
    }
  }

  private _take(message: Message | null): void {
    if (message === null) {
      return;
    }
    if (message.type === 'state') {
      clearTimeout(this._patience);
      this._tries = 0;
      this._state = message.state;
      this._contact = message.version === VERSION ? 'open' : 'other-version';
      this._changed.emit();
      return;
    }
    const answer = this._pending.get(message.id);
    this._pending.delete(message.id);
    if (message.type === 'reply') {
      answer?.resolve(message.value);
    } else {
      answer?.reject(new RequestError(message.failure));
    }
  }

  /** The kernel closed the comm: it knows none of ours, or it has too many. */
  private _closed(comm: IComm): void {
    if (comm !== this._comm) {
      return;
    }
    const again = this._contact === 'open' && !this._reopened;
    this._leave();
    this._old = null;
    this._contact = again ? 'waiting' : 'closed';
    if (again) {
      // Once only: two pages must not close each other's for ever.
      this._reopened = true;
      this._onStatus();
    }
    this._changed.emit();
  }

  /** The kernel ended, restarts or is out of reach: the next one is asked anew. */
  private _lose(): void {
    if (this._comm !== null || this._contact !== 'waiting') {
      this._leave();
      this._contact = 'waiting';
      this._process = null;
      this._reopened = false;
      this._tries = 0;
      this._changed.emit();
    }
  }

  /** Hear no more of the comm; what waits for an answer gets none. */
  private _leave(): void {
    clearTimeout(this._patience);
    this._old = this._comm ?? this._old;
    this._comm = null;
    this._state = null;
    const pending = [...this._pending.values()];
    this._pending.clear();
    for (const answer of pending) {
      answer.reject(new RequestError({ ...NO_KERNEL }));
    }
  }

  /** Close the comm of before, so that the kernel forgets it too. */
  private _closeOld(): void {
    const comm = this._old;
    this._old = null;
    if (comm !== null && !comm.isDisposed) {
      comm.close();
    }
  }

  private readonly _kernel: IKernel;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _pending = new Map<number, PromiseDelegate<JSONValue>>();
  private _comm: IComm | null = null;
  private _old: IComm | null = null;
  /** The kernel's own name for its process. */
  private _process: string | null = null;
  private _state: ISessionState | null = null;
  private _contact: Contact = 'waiting';
  private _reopened = false;
  private _tries = 0;
  private _patience: ReturnType<typeof setTimeout> | undefined;
  private _generation = 0;
  private _lastId = 0;
  private _isDisposed = false;
}

// Its words are the front end's: no kernel said them.
const NO_KERNEL: IFailure = { kind: '', message: '', nextStep: '', requestId: '' };
