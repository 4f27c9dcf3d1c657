/**
 * A kernel that answers over a comm as ours does, without a kernel.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject, JSONValue } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import type { IComm, IKernel } from '../src/model';
import { SessionModel } from '../src/model';
import type { IAgentBaySessions, INotebookSession } from '../src/tokens';

/** What the kernel does with a request: a value, or an error's fields. */
export type Answer = (args: JSONObject, buffers: ArrayBuffer[]) => JSONValue | FakeError;

/** An error as the kernel tells it. */
export class FakeError {
  constructor(readonly fields: JSONObject) {}
}

/** One comm as the kernel sees it. */
export class FakeComm {
  readonly opened: JSONValue[] = [];
  readonly requests: JSONObject[] = [];
  isDisposed = false;
  onMsg: Kernel.IComm['onMsg'] = () => undefined;
  onClose: Kernel.IComm['onClose'] = () => undefined;

  constructor(
    private readonly _answers: Record<string, Answer | undefined>,
    private readonly _process: string
  ) {}

  open(data?: JSONValue): never {
    this.opened.push(data ?? null);
    return undefined as never;
  }

  send(data: JSONValue, _metadata?: JSONObject, buffers: ArrayBuffer[] = []): never {
    const request = data as JSONObject;
    this.requests.push(request);
    const answer = this._answers[request.action as string];
    if (answer) {
      this.reply(request.id as number, answer(request.args as JSONObject, buffers));
    }
    return undefined as never;
  }

  /** Whether the kernel was told that it is closed. */
  isClosed = false;

  close(): never {
    this.isDisposed = this.isClosed = true;
    return undefined as never;
  }

  dispose(): void {
    this.isDisposed = true;
  }

  /** Close it from the kernel's side. */
  shut(): void {
    void this.onClose({} as never);
    this.isDisposed = true;
  }

  /** Say something to the front end. */
  say(data: JSONValue): void {
    void this.onMsg({ header: { session: this._process }, content: { data } } as never);
  }

  /** Tell a state. */
  tell(state: JSONObject, version = 1): void {
    this.say({ type: 'state', version, state });
  }

  reply(id: number, found: JSONValue | FakeError): void {
    const failed = found instanceof FakeError;
    this.say({
      type: 'reply',
      id,
      ok: !failed,
      ...(failed ? { error: found.fields } : { value: found })
    });
  }
}

/** A kernel connection that is idle and connected until a test says otherwise. */
export class FakeKernel implements IKernel {
  status: Kernel.Status = 'idle';
  connectionStatus: Kernel.ConnectionStatus = 'connected';
  readonly statusChanged = new Signal<unknown, Kernel.Status>(this);
  readonly connectionStatusChanged = new Signal<unknown, Kernel.ConnectionStatus>(this);
  readonly iopubMessage = new Signal<unknown, KernelMessage.IIOPubMessage>(this);
  /** The name of the kernel's process in its messages. */
  process = 'first';
  readonly comms: FakeComm[] = [];
  readonly targets: string[] = [];

  constructor(readonly answers: Record<string, Answer> = {}) {}

  createComm(target: string): IComm {
    const comm = new FakeComm(this.answers, this.process);
    this.targets.push(target);
    this.comms.push(comm);
    return comm;
  }

  /** The comm that was opened last. */
  get comm(): FakeComm {
    return this.comms.at(-1)!;
  }

  turn(status: Kernel.Status): void {
    this.status = status;
    this.statusChanged.emit(status);
  }

  /** Tell a status in a message, as the kernel does, or the server with a name of its own. */
  tell(status: Kernel.Status, session = this.process): void {
    this.turn(status);
    const message = { header: { msg_type: 'status', session } };
    this.iopubMessage.emit({ ...message, content: { execution_state: status } } as never);
  }

  /** What a connection does, which knows nothing of its kernel while it is down, and at first. */
  connection(status: Kernel.ConnectionStatus): void {
    this.connectionStatus = status;
    if (status !== 'connected') {
      this.turn('unknown');
    }
    this.connectionStatusChanged.emit(status);
  }
}

export const READY: JSONObject = {
  state: 'ready',
  provider: 'local',
  session_id: 's-1',
  name: '',
  image: 'code_latest',
  notebook: 'a.ipynb',
  language: 'python',
  started_at: 1000,
  idle_ends_at: 4600,
  life_ends_at: 29800,
  running_since: null,
  message: ''
};

/** A kernel and its model, which has heard the state already. */
export function connected(
  answers: Record<string, Answer> = {},
  state: JSONObject = READY
): { kernel: FakeKernel; model: SessionModel } {
  const kernel = new FakeKernel(answers);
  const model = new SessionModel(kernel);
  kernel.comm.tell(state);
  return { kernel, model };
}

function notebookOf(id: string): NotebookPanel {
  return { id, title: { label: `${id}.ipynb` } } as unknown as NotebookPanel;
}

/** Sessions of notebooks that are only names. */
export class FakeSessions implements IAgentBaySessions {
  readonly changed: Signal<IAgentBaySessions, void> = new Signal<IAgentBaySessions, void>(this);
  current: INotebookSession | null = null;
  all: INotebookSession[] = [];

  of(notebook: unknown): INotebookSession | null {
    return this.all.find(each => each.notebook === notebook) ?? null;
  }

  /** Bring a notebook with this model to the front. */
  show(model: SessionModel | null, id = 'notebook'): void {
    this.front(model === null ? null : { notebook: notebookOf(id), model });
  }

  /** Bring this to the front, among those that are open. */
  front(session: INotebookSession | null): void {
    this.current = session;
    if (session === null) {
      this.all = [];
    } else if (!this.all.some(({ model }) => model === session.model)) {
      this.all.push(session);
    }
    this.changed.emit();
  }
}
