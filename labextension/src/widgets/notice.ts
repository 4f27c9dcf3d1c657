/**
 * A few words in the side bar, with a button to do something about it.
 */
import { Widget } from '@lumino/widgets';

/** What a notice says; `action` is the button's label and what it does. */
export interface INotice {
  readonly title: string;
  readonly text?: string;
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Whether it is an error. */
  readonly failed?: boolean;
}

/** Says one notice at a time, and says it to screen readers too. */
export class Notice extends Widget {
  constructor() {
    super();
    this.addClass('agentbay-Notice');
    this.node.setAttribute('role', 'status');
    this.hide();
  }

  /** Say this; null says nothing. */
  say(notice: INotice | null): void {
    const key = JSON.stringify(notice);
    this._notice = notice;
    this.setHidden(notice === null);
    if (key === this._key) {
      return;
    }
    this._key = key;
    const run = () => this._notice?.action?.run();
    this.node.replaceChildren(...(notice === null ? [] : parts(notice, run)));
    this.toggleClass('agentbay-mod-failed', notice?.failed === true);
  }

  private _notice: INotice | null = null;
  private _key = 'null';
}

function parts({ title, text, action }: INotice, run: () => void): HTMLElement[] {
  const made = [line('agentbay-Notice-title', title)];
  if (text) {
    made.push(line('agentbay-Notice-text', text));
  }
  if (action) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-mod-styled jp-mod-accept agentbay-Notice-action';
    button.textContent = action.label;
    button.addEventListener('click', run);
    made.push(button);
  }
  return made;
}

function line(className: string, text: string): HTMLElement {
  const made = document.createElement('p');
  made.className = className;
  made.textContent = text;
  return made;
}
