/**
 * Sends files that the user chose or dropped, and says how far it is.
 */
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { SessionModel } from './model';
import { RequestError } from './model';
import type { ISendOptions, ISource } from './sending';
import { contentsSource, localSource, sendFile } from './sending';
import { fitted, tellFailure } from './telling';

const DONE = { autoClose: 5000 } as const;
const STAYS = { autoClose: false } as const;

/** Sends one file after the other. */
export class Sender {
  constructor(
    private readonly _contents: Contents.IManager,
    private readonly _trans: TranslationBundle
  ) {}

  /** Send files of the file browser, into a folder if one is named; folders are left out. */
  async sendPaths(
    model: SessionModel | undefined,
    paths: readonly string[],
    folder = ''
  ): Promise<void> {
    const found = await Promise.all(
      paths.map(path => this._contents.get(path, { content: false }))
    ).catch((error: unknown) => {
      tellFailure(error, this._trans);
      return undefined;
    });
    const files = found?.filter(file => file.type !== 'directory') ?? [];
    if (found && files.length < found.length) {
      const said = this._trans.__('Folders are not sent; %fs put does that.');
      Notification.warning(said, DONE);
    }
    await this._send(
      model,
      files.map(file => contentsSource(this._contents, file)),
      folder
    );
  }

  /** Send files from outside the browser. */
  async sendFiles(model: SessionModel | undefined, files: readonly File[]): Promise<void> {
    await this._send(model, files.map(localSource), '');
  }

  private async _send(
    model: SessionModel | undefined,
    sources: readonly ISource[],
    folder: string
  ): Promise<void> {
    for (const source of sources) {
      if (model !== undefined) {
        await this._sendOne(model, source, { folder });
      }
    }
  }

  private async _sendOne(
    model: SessionModel,
    source: ISource,
    options: ISendOptions
  ): Promise<void> {
    const trans = this._trans;
    const stop = new AbortController();
    const id = this._begin(source, stop);
    const onProgress = (sent: number, size: number) =>
      Notification.update({ id, progress: size > 0 ? sent / size : 1 });
    const onEnd = () => {
      const message = trans.__('Copying %1 to the session…', source.name);
      Notification.update({ id, message, progress: 1, actions: [] });
    };
    try {
      const { signal } = stop;
      const path = await sendFile(model, source, { ...options, onProgress, onEnd, signal });
      const done = trans.__('%1 is in the session: %2', source.name, path);
      Notification.update({ id, type: 'success', ...fitted(done, source.name, trans), ...DONE });
    } catch (error) {
      Notification.dismiss(id);
      if (stop.signal.aborted) {
        Notification.info(trans.__('%1 was not sent.', source.name), DONE);
      } else if (isExisting(error) && options.force !== true) {
        await this._replace(model, source, options, error);
      } else {
        tellFailure(error, trans);
      }
    }
  }

  /** Say that a file is being sent, and how that is stopped. */
  private _begin(source: ISource, stop: AbortController): string {
    const trans = this._trans;
    const callback = (event: MouseEvent) => {
      event.preventDefault();
      stop.abort();
    };
    const actions = [{ label: trans.__('Stop'), callback }];
    const message = trans.__('Sending %1', source.name);
    return Notification.emit(message, 'in-progress', { ...STAYS, progress: 0, actions });
  }

  private async _replace(
    model: SessionModel,
    source: ISource,
    options: ISendOptions,
    error: Error
  ): Promise<void> {
    const trans = this._trans;
    const result = await showDialog({
      title: trans.__('Replace %1?', source.name),
      body: error.message,
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Replace') })],
      defaultButton: 0
    });
    if (result.button.accept) {
      await this._sendOne(model, source, { ...options, force: true });
    }
  }
}

/** Whether a file is refused because another of its name is there. */
function isExisting(error: unknown): error is RequestError {
  return error instanceof RequestError && error.failure.kind === 'exists';
}
