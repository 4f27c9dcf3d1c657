/**
 * Which open notebooks have a kernel of ours, and which of them is in front.
 */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { SessionModel } from './model';
import { IMPLEMENTATION } from './protocol';
import type { IAgentBaySessions, INotebookSession } from './tokens';

/** The module that a kernelspec of ours runs. */
const MODULE = 'agentbay_kernel';

/** Follows the notebooks of a tracker. */
export class NotebookSessions implements IAgentBaySessions {
  constructor(private readonly _tracker: INotebookTracker) {
    _tracker.widgetAdded.connect((_, notebook) => this._follow(notebook));
    _tracker.forEach(notebook => this._follow(notebook));
    _tracker.currentChanged.connect(() => this._changed.emit());
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get current(): INotebookSession | null {
    const notebook = this._tracker.currentWidget;
    return notebook === null ? null : this.of(notebook);
  }

  get all(): readonly INotebookSession[] {
    return [...this._sessions.values()];
  }

  of(notebook: NotebookPanel): INotebookSession | null {
    return this._sessions.get(notebook) ?? null;
  }

  private _follow(notebook: NotebookPanel): void {
    const context = notebook.sessionContext;
    context.kernelChanged.connect(() => void this._meet(notebook));
    notebook.disposed.connect(() => this._forget(notebook));
    void this._meet(notebook);
  }

  /** See what kernel the notebook has now. */
  private async _meet(notebook: NotebookPanel): Promise<void> {
    const kernel = notebook.sessionContext.session?.kernel ?? null;
    const known = this._kernels.get(notebook) ?? null;
    if (kernel === known) {
      return;
    }
    this._forget(notebook);
    if (kernel === null) {
      return;
    }
    this._kernels.set(notebook, kernel);
    if (!(await isOurs(kernel)) || this._kernels.get(notebook) !== kernel || kernel.isDisposed) {
      return;
    }
    const model = new SessionModel(kernel);
    this._sessions.set(notebook, { notebook, model });
    model.changed.connect(() => this._changed.emit());
    this._changed.emit();
  }

  private _forget(notebook: NotebookPanel): void {
    this._kernels.delete(notebook);
    const session = this._sessions.get(notebook);
    if (session !== undefined) {
      this._sessions.delete(notebook);
      session.model.dispose();
      this._changed.emit();
    }
  }

  private readonly _sessions = new Map<NotebookPanel, INotebookSession>();
  private readonly _kernels = new Map<NotebookPanel, Kernel.IKernelConnection>();
  private readonly _changed = new Signal<this, void>(this);
}

/**
 * Whether a kernel is ours: others would complain of an unknown comm.
 *
 * A kernel that runs a cell does not say before its end, but the server knows its command.
 */
async function isOurs(kernel: Kernel.IKernelConnection): Promise<boolean> {
  const spec = await kernel.spec.catch(() => undefined);
  if (spec?.argv.includes(MODULE)) {
    return true;
  }
  try {
    return (await kernel.info).implementation === IMPLEMENTATION;
  } catch {
    return false;
  }
}
