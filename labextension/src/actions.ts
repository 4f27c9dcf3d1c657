/**
 * What a user may do with a session, with the questions and the answers in between.
 */
import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSONObject } from '@lumino/coreutils';
import { copyText } from './clipboard';
import type { SessionModel } from './model';
import { listSessions } from './paging';
import type { Action, ISessionRow } from './protocol';
import { field } from './protocol';
import { fitted, fittedFailure, tellFailure } from './telling';
import { Facts } from './widgets/facts';
import { LinkForm } from './widgets/linkform';
import { MountForm } from './widgets/mountform';
import { sessionName, statusWord } from './words';

/** Each asks what it must, does it through the kernel, and says what came of it. */
export class Actions {
  constructor(private readonly _trans: TranslationBundle) {}

  /** Start a session. */
  async start(model: SessionModel): Promise<void> {
    const trans = this._trans;
    await this._do(model, 'start', {}, trans.__('Starting a session…'), trans.__('It is ready.'));
  }

  /** Give the session its whole idle time again. */
  async extend(model: SessionModel): Promise<void> {
    const trans = this._trans;
    const done = trans.__('Its idle time begins anew.');
    await this._do(model, 'extend', {}, trans.__('Extending the session…'), done);
  }

  /** Clear the session's names. */
  async restartInterpreter(model: SessionModel): Promise<void> {
    const trans = this._trans;
    // The notebook may have another session by the time of the answer.
    const args = { session_id: model.state?.sessionId ?? '' };
    const sure = await this._confirm(
      trans.__('Restart the interpreter?'),
      trans.__('All names of the session are lost. Its files and contexts stay.'),
      trans.__('Restart')
    );
    if (sure !== null) {
      const doing = trans.__('Restarting the interpreter…');
      const done = trans.__('It has no names now.');
      await this._do(model, 'restart_interpreter', args, doing, done);
    }
  }

  /** Delete a session, after its contexts were saved if the user wants that. */
  async remove(
    model: SessionModel,
    session: { readonly sessionId: string; readonly name: string },
    sync: boolean
  ): Promise<void> {
    const trans = this._trans;
    const sure = await this._confirm(
      trans.__('Delete the session %1?', sessionName(session)),
      trans.__('Its names and all files that are in no context are lost.'),
      trans.__('Delete'),
      { label: trans.__('Save its contexts first'), checked: sync }
    );
    if (sure !== null) {
      const args = { session_id: session.sessionId, sync: sure };
      await this._do(model, 'delete', args, trans.__('Deleting…'), trans.__('It is deleted.'));
    }
  }

  /** Choose one of the account's sessions and continue in it. */
  async chooseAndAttach(model: SessionModel): Promise<void> {
    const trans = this._trans;
    const title = trans.__('Attach to a session');
    const found = await this._told(listSessions(model));
    if (found === null) {
      return;
    }
    const others = found.rows.filter(row => row.sessionId !== model.state?.sessionId);
    if (others.length === 0) {
      await this._say(title, trans.__('There is no other session.'));
      return;
    }
    const items = others.map(row => this._line(row));
    const label = found.more
      ? trans.__('Session (%1 more are not listed)', found.more)
      : trans.__('Session');
    const okLabel = trans.__('Attach');
    const chosen = await InputDialog.getItem({ title, label, items, okLabel });
    const row = chosen.value === null ? undefined : others[items.indexOf(chosen.value)];
    if (chosen.button.accept && row !== undefined) {
      await this._attach(model, row.sessionId);
    }
  }

  /** Continue in another session, when the user agrees. */
  async attach(model: SessionModel, session: ISessionRow, notebook: string): Promise<void> {
    const trans = this._trans;
    const sure = await this._confirm(
      trans.__('Attach to the session %1?', sessionName(session)),
      trans.__('The next cells of %1 run there.', notebook),
      trans.__('Attach'),
      null
    );
    if (sure !== null) {
      await this._attach(model, session.sessionId);
    }
  }

  /** Open a link to the session in a page of its own. */
  async openLink(model: SessionModel): Promise<void> {
    const trans = this._trans;
    const args = await this._askForLink(trans.__('Open a link'), trans.__('Open'), false);
    if (args === null) {
      return;
    }
    // A page that is opened later than the click would be blocked.
    const page = window.open('about:blank', '_blank');
    const url = await this._told(this._link(model, args));
    if (url === null) {
      page?.close();
    } else if (page === null) {
      await this._say(trans.__('Open a link'), trans.__('The browser blocks new pages here.'));
    } else {
      page.opener = null;
      page.location.replace(url);
    }
  }

  /** Save all contexts of the session. */
  async syncContexts(model: SessionModel): Promise<void> {
    const trans = this._trans;
    const args = { direction: 'upload', path: '' };
    await this._do(model, 'sync', args, trans.__('Saving the contexts…'), trans.__('Saved.'));
  }

  /** Let a context of the account appear in the session. */
  async mountContext(model: SessionModel): Promise<void> {
    const trans = this._trans;
    const body = new MountForm(trans);
    void model.request('context_names').then(
      names => body.offer(Array.isArray(names) ? names.map(String) : []),
      () => undefined
    );
    const result = await showDialog({
      title: trans.__('Mount a context'),
      body,
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Mount') })],
      focusNodeSelector: 'input'
    });
    if (result.button.accept && result.value !== null) {
      const done = trans.__('It is mounted.');
      await this._do(model, 'mount', result.value, trans.__('Mounting the context…'), done);
    }
  }

  /** Copy a link to the session; it is shown nowhere. */
  async copyLink(model: SessionModel): Promise<void> {
    const trans = this._trans;
    const args = await this._askForLink(trans.__('Copy a link'), trans.__('Copy'), true);
    const url = args === null ? null : await this._told(this._link(model, args));
    if (url !== null) {
      await this._copy(url, trans.__('The link is copied.'));
    }
  }

  /** Copy the session's id. */
  async copyId(model: SessionModel): Promise<void> {
    await this._copy(model.state?.sessionId ?? '', this._trans.__('The session id is copied.'));
  }

  /** Show what the session can do. */
  async capabilities(model: SessionModel): Promise<void> {
    const trans = this._trans;
    const value = await this._told(model.request('capabilities'));
    if (value !== null) {
      const body = new Facts(value, { yes: trans.__('yes'), no: trans.__('no') });
      const title = trans.__('What the session can do');
      await showDialog({ title, body, buttons: [Dialog.okButton()] });
    }
  }

  /** Copy a text; where the browser wants a click just before, ask for one. */
  private async _copy(text: string, done: string): Promise<void> {
    const trans = this._trans;
    while (!(await copyText(text))) {
      const result = await showDialog({
        title: trans.__('The browser did not copy'),
        body: trans.__('It may do so right after a click.'),
        buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Copy') })]
      });
      if (!result.button.accept) {
        return;
      }
    }
    Notification.success(done, { autoClose: 3000 });
  }

  /** A session in a list; its id tells it from others of its name. */
  private _line(row: ISessionRow): string {
    const id = row.name ? `(${row.sessionId})` : '';
    const words = [sessionName(row), id, statusWord(row.status, this._trans), row.image];
    return words.filter(Boolean).join('  ');
  }

  private async _attach(model: SessionModel, sessionId: string): Promise<void> {
    const trans = this._trans;
    const args = { session_id: sessionId };
    await this._do(model, 'attach', args, trans.__('Attaching…'), trans.__('Cells run there now.'));
  }

  private async _link(model: SessionModel, args: JSONObject): Promise<string> {
    const url = field(await model.request('link', args), 'url');
    if (!/^(https?|wss?):/.test(url)) {
      throw new Error(this._trans.__('The kernel gave no link.'));
    }
    return url;
  }

  private async _askForLink(
    title: string,
    label: string,
    protocols: boolean
  ): Promise<JSONObject | null> {
    const body = new LinkForm(this._trans, { protocols });
    const buttons = [Dialog.cancelButton(), Dialog.okButton({ label })];
    const result = await showDialog({ title, body, buttons, focusNodeSelector: 'input' });
    return result.button.accept ? result.value : null;
  }

  /** The checkbox's state when the user agrees (true without one), null when not. */
  private async _confirm(
    title: string,
    body: string,
    label: string,
    checkbox: { label: string; checked: boolean } | null = null
  ): Promise<boolean | null> {
    const accept = checkbox ? Dialog.warnButton({ label }) : Dialog.okButton({ label });
    const buttons = [Dialog.cancelButton(), accept];
    const result = await showDialog({ title, body, buttons, checkbox, defaultButton: 0 });
    return result.button.accept ? (result.isChecked ?? true) : null;
  }

  private async _say(title: string, body: string): Promise<void> {
    await showDialog({ title, body, buttons: [Dialog.okButton()] });
  }

  /** What comes of a promise; null when it fails, which is then said. */
  private async _told<T>(promise: Promise<T>): Promise<T | null> {
    try {
      return await promise;
    } catch (error) {
      tellFailure(error, this._trans);
      return null;
    }
  }

  /** Do something that takes its time, and say so meanwhile. */
  private async _do(
    model: SessionModel,
    action: Action,
    args: JSONObject,
    doing: string,
    done: string
  ): Promise<void> {
    const id = Notification.emit(doing, 'in-progress');
    try {
      const told = field(await model.request(action, args), 'message') || done;
      const success = fitted(told, doing, this._trans);
      Notification.update({ id, type: 'success', autoClose: 3000, ...success });
    } catch (error) {
      const failure = fittedFailure(error, this._trans);
      Notification.update({ id, type: 'error', autoClose: false, ...failure });
    }
  }
}
