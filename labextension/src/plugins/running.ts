/**
 * The account's sessions among what is running.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { IRunningSessions } from '@jupyterlab/running';
import { IRunningSessionManagers } from '@jupyterlab/running';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Actions } from '../actions';
import { agentbayIcon } from '../icon';
import { CommandIDs } from '../ids';
import type { IListed } from '../listing';
import { Listing } from '../listing';
import type { IOpener } from '../opener';
import { panelOpener } from '../opener';
import { listSessions } from '../paging';
import { tellFailure } from '../telling';
import type { INotebookSession } from '../tokens';
import { DOMAIN, IAgentBaySessions } from '../tokens';
import { failureText, sessionName, statusWord } from '../words';

const SIDEBAR = 'jp-running-sessions';
const CONTEXT = 'agentbay-session:';

/** Adds the section "AgentBay sessions". */
export const running: JupyterFrontEndPlugin<void> = {
  id: 'agentbay-kernel:running',
  description: 'The account’s sessions in the sidebar of what is running.',
  autoStart: true,
  requires: [IAgentBaySessions],
  optional: [IRunningSessionManagers, ITranslator, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    sessions: IAgentBaySessions,
    managers: IRunningSessionManagers | null,
    translator: ITranslator | null,
    labShell: ILabShell | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const actions = new Actions(trans);
    const listing = new Listing(sessions, listSessions);
    listing.failed.connect((_, error) => tellFailure(error, trans));
    const section = new Section(app, sessions, listing, actions, trans);
    managers?.add(section.manager());
    section.addCommands();
    if (labShell !== null) {
      followSight(labShell, listing);
    }
  }
};

/** Tell a list whether its sidebar, on whichever side, is in sight. */
function followSight(shell: ILabShell, listing: Listing): void {
  const look = () => {
    const sidebars = [...shell.widgets('left'), ...shell.widgets('right')];
    listing.see(sidebars.some(({ id, isVisible }) => id === SIDEBAR && isVisible));
  };
  shell.layoutModified.connect(look);
  look();
}

/** What a user does with the sessions of the list. */
class Section {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _sessions: IAgentBaySessions,
    private readonly _listing: Listing,
    private readonly _actions: Actions,
    private readonly _trans: TranslationBundle
  ) {
    this._panel = panelOpener(_app.commands);
  }

  manager(): IRunningSessions.IManager {
    const trans = this._trans;
    return {
      name: trans.__('AgentBay sessions'),
      running: () => this._items(),
      refreshRunning: () => void this._listing.refresh(),
      runningChanged: this._listing.changed,
      shutdownLabel: trans.__('Delete Session'),
      shutdownAllLabel: trans.__('Delete All'),
      shutdownAllConfirmationText: () =>
        trans.__(
          'All %1 sessions of the list are deleted, also those that other notebooks and computers use. Their names and all files that are in no context are lost.',
          this._listing.items.length
        ),
      shutdownAll: () => void this._removeAll()
    };
  }

  /** Those of the section's context menu. */
  addCommands(): void {
    const { commands } = this._app;
    const trans = this._trans;
    const add = (
      id: string,
      label: string,
      run: (listed: IListed) => unknown,
      can: (listed: IListed) => boolean = () => true
    ) =>
      commands.addCommand(id, {
        label,
        isEnabled: () => {
          const listed = this._pointed();
          return listed !== undefined && can(listed);
        },
        execute: () => {
          const listed = this._pointed();
          return listed === undefined ? undefined : run(listed);
        }
      });
    add(
      CommandIDs.openRunning,
      trans.__('Open'),
      each => this._open(each),
      each => this._holder(each) !== undefined || this._attachable(each) !== null
    );
    add(
      CommandIDs.attachRunning,
      trans.__('Attach the Notebook in Front…'),
      each => this._attach(each),
      each => this._attachable(each) !== null
    );
    add(CommandIDs.removeRunning, trans.__('Delete Session…'), each => this._remove(each));
  }

  private _items(): IRunningSessions.IRunningItem[] {
    const { items, more } = this._listing;
    const listed = items.map(each => this._item(each));
    const label = this._trans.__('%1 more are not listed', more);
    return more > 0 ? [...listed, { label: () => label, icon: () => agentbayIcon }] : listed;
  }

  private _item(listed: IListed): IRunningSessions.IRunningItem {
    const { row } = listed;
    const title = this._trans.__('Session %1, image %2', row.sessionId, row.image || '–');
    const holder = this._holder(listed);
    return {
      label: () => sessionName(row),
      labelTitle: () => title,
      detail: () => holder?.notebook.title.label ?? statusWord(row.status, this._trans),
      icon: () => agentbayIcon,
      context: CONTEXT + row.sessionId,
      open: () => void this._open(listed),
      shutdown: () => void this._remove(listed)
    };
  }

  /** The open notebook whose cells run in a session. */
  private _holder({ row }: IListed): INotebookSession | undefined {
    return this._sessions.all.find(({ model }) => model.state?.sessionId === row.sessionId);
  }

  /** The notebook in front, if a session can be attached to it. */
  private _attachable({ row }: IListed): INotebookSession | null {
    const { current } = this._sessions;
    const { contact, state } = current?.model ?? {};
    return contact === 'open' && state?.sessionId !== row.sessionId ? current : null;
  }

  /** Show the notebook of a session; without one, offer the session to the notebook in front. */
  private async _open(listed: IListed): Promise<void> {
    const holder = this._holder(listed);
    if (holder === undefined) {
      await this._attach(listed);
    } else {
      this._app.shell.activateById(holder.notebook.id);
      this._panel.open();
    }
  }

  private async _attach(listed: IListed): Promise<void> {
    const notebook = this._attachable(listed);
    if (notebook !== null) {
      const { title } = notebook.notebook;
      await this._actions.attach(notebook.model, listed.row, title.label);
      return;
    }
    const trans = this._trans;
    const name = sessionName(listed.row);
    const said = trans.__(
      'A notebook with an AgentBay kernel in front could be attached to %1.',
      name
    );
    Notification.info(said, { autoClose: 5000 });
  }

  private async _remove({ row, model }: IListed): Promise<void> {
    await this._actions.remove(model, row, true);
    await this._listing.refresh();
  }

  private async _removeAll(): Promise<void> {
    const trans = this._trans;
    const ended = this._listing.items.map(({ row, model }) =>
      model.request('delete', { session_id: row.sessionId, sync: true })
    );
    const failed = (await Promise.allSettled(ended)).flatMap(each =>
      each.status === 'rejected' ? [failureText(each.reason, trans)] : []
    );
    if (failed.length > 0) {
      await showDialog({
        title: trans.__('Not all sessions were deleted'),
        body: failed.join('\n'),
        buttons: [Dialog.okButton()]
      });
    }
    await this._listing.refresh();
  }

  /** The session on which the context menu was opened. */
  private _pointed(): IListed | undefined {
    const node = this._app.contextMenuHitTest(
      each => each.dataset.context?.startsWith(CONTEXT) ?? false
    );
    const sessionId = node?.dataset.context?.slice(CONTEXT.length);
    return this._listing.items.find(({ row }) => row.sessionId === sessionId);
  }

  private readonly _panel: IOpener;
}
