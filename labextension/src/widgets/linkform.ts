/**
 * Asks to which port of the session a link shall lead.
 */
import type { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { labelled } from './labelled';

/** The ports that a link may lead to. */
export const PORTS = { first: 30100, last: 30199 } as const;

/** A dialog's body; its value is the arguments of a request for a link. */
export class LinkForm extends Widget implements Dialog.IBodyWidget<JSONObject> {
  constructor(trans: TranslationBundle, options: { readonly protocols: boolean }) {
    super();
    this.addClass('agentbay-LinkForm');
    this._port.type = 'number';
    this._port.min = String(PORTS.first);
    this._port.max = String(PORTS.last);
    this._port.placeholder = trans.__('the session itself');
    this._port.className = 'jp-mod-styled';
    this._protocol.className = 'jp-mod-styled';
    for (const each of ['https', 'wss']) {
      this._protocol.append(new Option(each, each));
    }
    const range = trans.__('Port, %1 to %2', PORTS.first, PORTS.last);
    this.node.append(labelled(range, this._port));
    if (options.protocols) {
      this.node.append(labelled(trans.__('Protocol'), this._protocol));
    }
    const note = document.createElement('p');
    note.textContent = trans.__(
      'Whoever has the link can use what answers there, until the link expires.'
    );
    this.node.append(note);
    // Without a port the link leads to the session's own page, which has one protocol.
    const follow = () => (this._protocol.disabled = this._port.value === '');
    this._port.addEventListener('input', follow);
    follow();
    // The dialog's default button is not to be had with a port that no link leads to.
    this._port.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !this._port.reportValidity()) {
        event.stopPropagation();
      }
    });
  }

  getValue(): JSONObject {
    const port = this._port.valueAsNumber;
    return Number.isNaN(port) ? {} : { port, protocol: this._protocol.value };
  }

  private readonly _port = document.createElement('input');
  private readonly _protocol = document.createElement('select');
}
