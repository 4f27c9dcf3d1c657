/**
 * The side bar's panel: it docks the kernel's own panel of the notebook in front.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';
import type { SessionModel } from '../model';
import type { IAgentBaySessions, INotebookSession } from '../tokens';
import { PANEL_ID } from '../tokens';
import { failureText } from '../words';
import { Dock } from './dock';
import type { IDropTarget } from './dropzone';
import { DropZone } from './dropzone';
import type { INotice } from './notice';
import { Notice } from './notice';

/** What the panel needs. */
export interface IPanelOptions {
  readonly sessions: IAgentBaySessions;
  readonly trans: TranslationBundle;
  /** Make a notebook with a kernel of ours; null where that cannot be done. */
  readonly create: (() => void) | null;
  /** Where files that are dropped on the panel go. */
  readonly drop: IDropTarget;
}

/**
 * Shows the panel of one notebook at a time, and asks for it only while it is visible.
 *
 * Those of the other notebooks are hidden: then they ask for nothing, and lose nothing.
 */
export class SessionPanel extends Panel {
  constructor(private readonly _options: IPanelOptions) {
    super();
    this.id = PANEL_ID;
    this.addClass('agentbay-Panel');
    const { sessions, trans, drop } = _options;
    this.title.caption = trans.__('AgentBay session');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('AgentBay session'));
    this.node.dataset.drop = trans.__('Drop files to send them to the session');
    this._zone = new DropZone(this.node, drop);
    this.addWidget(heading(trans.__('AgentBay session')));
    this.addWidget(this._notice);
    sessions.changed.connect(this._refresh, this);
  }

  dispose(): void {
    this._options.sessions.changed.disconnect(this._refresh, this);
    this._docks.forEach(dock => dock.dispose());
    this._docks.clear();
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._zone.attach();
    this._refresh();
  }

  protected onBeforeDetach(message: Message): void {
    this._zone.detach();
    super.onBeforeDetach(message);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._refresh();
  }

  private _refresh(): void {
    if (this.isDisposed) {
      return;
    }
    const { current } = this._options.sessions;
    this._forget();
    const dock = current === null ? null : this._dockOf(current);
    this._front(dock);
    if (!this.isVisible) {
      return;
    }
    void dock?.ask();
    this._notice.say(this._told(current, dock));
  }

  /** Take out the panels of notebooks and kernels that are gone. */
  private _forget(): void {
    const models = new Set(this._options.sessions.all.map(({ model }) => model));
    for (const [model, dock] of this._docks) {
      if (!models.has(model)) {
        this._docks.delete(model);
        dock.dispose();
      }
    }
  }

  private _dockOf(session: INotebookSession): Dock {
    const known = this._docks.get(session.model);
    const dock = known ?? new Dock(session, this._options.trans, () => this._refresh());
    this._docks.set(session.model, dock);
    return dock;
  }

  /** Show this one, if it is true, and hide the others. */
  private _front(front: Dock | null): void {
    for (const dock of this._docks.values()) {
      const { view } = dock;
      if (view !== null) {
        view.setHidden(dock !== front || !dock.isTrue);
        if (view.parent !== this) {
          this.addWidget(view);
        }
      }
    }
  }

  /** What is said in the place of a panel; null where there is one. */
  private _told(current: INotebookSession | null, dock: Dock | null): INotice | null {
    if (current?.model.contact !== 'open' || dock === null) {
      return this._situation(current);
    }
    if (dock.error !== null) {
      return this._failed(dock);
    }
    return dock.isTrue ? null : this._situation(current);
  }

  private _situation(current: INotebookSession | null): INotice {
    const { trans, create } = this._options;
    if (current === null) {
      return {
        title: trans.__('No AgentBay notebook in front'),
        text: trans.__('The session of a notebook with an AgentBay kernel is shown here.'),
        ...(create && { action: { label: trans.__('New AgentBay notebook'), run: create } })
      };
    }
    const { contact, state } = current.model;
    switch (contact) {
      case 'other-version':
        return {
          title: trans.__('The kernel and the extension are of different versions'),
          text: state?.message ?? '',
          failed: true
        };
      case 'closed':
        return {
          title: trans.__('This kernel has no panel'),
          text: trans.__('Restart it after agentbay-kernel was updated.'),
          action: { label: trans.__('Try again'), run: () => current.model.retry() },
          failed: true
        };
      default:
        return { title: trans.__('Waiting for the kernel…') };
    }
  }

  private _failed(dock: Dock): INotice {
    const { trans } = this._options;
    return {
      title: trans.__('The panel cannot be shown'),
      text: failureText(dock.error, trans),
      action: { label: trans.__('Try again'), run: () => dock.retry() },
      failed: true
    };
  }

  private readonly _notice = new Notice();
  private readonly _zone: DropZone;
  /** A notebook's model is another one when its kernel is. */
  private readonly _docks = new Map<SessionModel, Dock>();
}

/** What the docked panel's own headings stand below; only screen readers tell of it. */
function heading(text: string): Widget {
  const node = document.createElement('h2');
  node.className = 'agentbay-Panel-heading';
  node.textContent = text;
  return new Widget({ node });
}
