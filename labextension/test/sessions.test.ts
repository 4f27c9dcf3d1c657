import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { NotebookSessions } from '../src/sessions';
import { FakeKernel, READY } from './fakes';

const settled = () => new Promise(resolve => setTimeout(resolve));

const NEVER = new Promise<never>(() => undefined);

class FakeConnection extends FakeKernel {
  readonly isDisposed = false;
  readonly info: Promise<{ implementation: string }>;
  spec: Promise<{ argv: string[] } | undefined> = Promise.resolve({ argv: ['python', '-f'] });

  /** A kernel that says what it is, or one that is too busy to say. */
  constructor(implementation: string | null) {
    super();
    this.info = implementation === null ? NEVER : Promise.resolve({ implementation });
  }
}

class FakeNotebook {
  readonly disposed = new Signal<this, void>(this);
  readonly sessionContext = {
    kernelChanged: new Signal<unknown, void>({}),
    session: null as { kernel: FakeConnection | null } | null
  };

  use(kernel: FakeConnection | null): void {
    this.sessionContext.session = { kernel };
    this.sessionContext.kernelChanged.emit();
  }

  get panel(): NotebookPanel {
    return this as unknown as NotebookPanel;
  }
}

class FakeTracker {
  readonly widgetAdded = new Signal<unknown, FakeNotebook>({});
  readonly currentChanged = new Signal<unknown, FakeNotebook | null>({});
  currentWidget: FakeNotebook | null = null;
  readonly open: FakeNotebook[] = [];

  forEach(visit: (notebook: FakeNotebook) => void): void {
    this.open.forEach(visit);
  }

  add(notebook: FakeNotebook): void {
    this.open.push(notebook);
    this.widgetAdded.emit(notebook);
    this.show(notebook);
  }

  show(notebook: FakeNotebook): void {
    this.currentWidget = notebook;
    this.currentChanged.emit(notebook);
  }
}

function opened(implementation = 'agentbay-kernel') {
  const tracker = new FakeTracker();
  const sessions = new NotebookSessions(tracker as unknown as INotebookTracker);
  const notebook = new FakeNotebook();
  const kernel = new FakeConnection(implementation);
  tracker.add(notebook);
  notebook.use(kernel);
  return { tracker, sessions, notebook, kernel };
}

describe('the sessions of the open notebooks', () => {
  it('are those with a kernel of ours', async () => {
    const { sessions, notebook } = opened();
    await settled();
    expect(sessions.current).toBe(sessions.of(notebook.panel));
    expect(sessions.current).not.toBeNull();
  });

  it('leave other kernels alone', async () => {
    const { sessions, kernel } = opened('ipython');
    await settled();
    expect(sessions.current).toBeNull();
    expect(kernel.comms).toEqual([]);
  });

  it('are known by their command while a cell runs', async () => {
    const { sessions, notebook } = opened();
    const busy = new FakeConnection(null);
    busy.spec = Promise.resolve({ argv: ['python', '-m', 'agentbay_kernel', '-f', '{}'] });
    notebook.use(busy);
    await settled();
    expect(sessions.of(notebook.panel)).not.toBeNull();
    expect(busy.comms).toHaveLength(1);
  });

  it('are known by what they say where the server does not know their command', async () => {
    const { sessions, notebook } = opened();
    const kernel = new FakeConnection('agentbay-kernel');
    kernel.spec = Promise.reject(new Error('gone'));
    notebook.use(kernel);
    await settled();
    expect(sessions.of(notebook.panel)).not.toBeNull();
  });

  it('follow the notebook in front', async () => {
    const { tracker, sessions, notebook } = opened();
    const other = new FakeNotebook();
    tracker.add(other);
    other.use(new FakeConnection('agentbay-kernel'));
    await settled();
    const heard = jest.fn();
    sessions.changed.connect(heard);
    expect(sessions.current).toBe(sessions.of(other.panel));
    tracker.show(notebook);
    expect(sessions.current).toBe(sessions.of(notebook.panel));
    expect(heard).toHaveBeenCalledTimes(1);
    expect(sessions.all).toHaveLength(2);
  });

  it('tell when a state changed', async () => {
    const { sessions, kernel } = opened();
    await settled();
    const heard = jest.fn();
    sessions.changed.connect(heard);
    kernel.comm.tell(READY);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it('meet the new kernel of a notebook', async () => {
    const { sessions, notebook, kernel } = opened();
    await settled();
    const before = sessions.current?.model;
    notebook.use(new FakeConnection('ipython'));
    await settled();
    expect(before?.isDisposed).toBe(true);
    expect(kernel.comm.isDisposed).toBe(true);
    expect(sessions.current).toBeNull();
  });

  it('forget a notebook that is closed', async () => {
    const { sessions, notebook } = opened();
    await settled();
    notebook.disposed.emit();
    expect(sessions.all).toEqual([]);
  });

  it('do not meet a kernel that was changed meanwhile', async () => {
    const { sessions, notebook, kernel } = opened();
    notebook.use(null);
    await settled();
    expect(sessions.current).toBeNull();
    expect(kernel.comms).toEqual([]);
  });
});
