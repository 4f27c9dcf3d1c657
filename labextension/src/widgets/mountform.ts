/**
 * Asks which context of the account shall be mounted, and where.
 */
import type { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSONObject } from '@lumino/coreutils';
import { UUID } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { labelled } from './labelled';

/** A dialog's body; its value is the arguments of a request to mount. */
export class MountForm extends Widget implements Dialog.IBodyWidget<JSONObject> {
  constructor(trans: TranslationBundle) {
    super();
    this.addClass('agentbay-LinkForm');
    this._name.className = this._path.className = 'jp-mod-styled';
    this._known.id = UUID.uuid4();
    this._name.setAttribute('list', this._known.id);
    this._name.addEventListener('input', () => (this._path.placeholder = this._usualPath));
    const note = document.createElement('p');
    note.textContent = trans.__('A context that is not there yet is made.');
    this.node.append(
      labelled(trans.__('Context'), this._name),
      labelled(trans.__('Folder in the session'), this._path),
      this._known,
      note
    );
    this._path.placeholder = this._usualPath;
  }

  /** Offer these names. */
  offer(names: readonly string[]): void {
    this._known.replaceChildren(...names.map(name => new Option(name, name)));
  }

  getValue(): JSONObject {
    return { name: this._name.value.trim(), path: this._path.value.trim() || this._usualPath };
  }

  private get _usualPath(): string {
    return `/mnt/${this._name.value.trim()}`;
  }

  private readonly _name = document.createElement('input');
  private readonly _path = document.createElement('input');
  private readonly _known = document.createElement('datalist');
}
