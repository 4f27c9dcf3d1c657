/**
 * A button that tells the state of the session in front, for the status bar and for toolbars.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { SessionModel } from '../model';
import type { IOpener } from '../opener';
import { phaseWord, summary } from '../words';

/** The time left changes by the minute. */
const TICK_MILLISECONDS = 15_000;

/** What an indicator needs. */
export interface IIndicatorOptions {
  /** Whose state it tells; with null it says nothing. */
  readonly model: () => SessionModel | null;
  /** What a click opens. */
  readonly panel: IOpener;
  /** Whether it hides itself while it says nothing; else who has it does. */
  readonly hides: boolean;
  /** Whether it tells the time left, or only the state. */
  readonly time: boolean;
  readonly trans: TranslationBundle;
}

/** A coloured dot and the state in words. */
export class Indicator extends Widget {
  constructor(private readonly _options: IIndicatorOptions) {
    super();
    this.addClass('agentbay-Indicator');
    this._button.type = 'button';
    this._button.className = 'agentbay-Indicator-button';
    this._dot.className = 'agentbay-Dot';
    this._dot.setAttribute('aria-hidden', 'true');
    this._button.append(this._dot, this._text);
    this._button.addEventListener('click', () => this._options.panel.open());
    this.node.append(this._button);
    this.refresh();
  }

  /** Show what is so now. */
  refresh(): void {
    if (this.isDisposed) {
      return;
    }
    const { hides, panel, trans } = this._options;
    const model = this._options.model();
    if (hides) {
      this.setHidden(model === null);
    }
    if (model === null) {
      this._text.textContent = this._button.title = '';
      this._button.removeAttribute('aria-label');
      return;
    }
    const text = this._words(model);
    this._dot.dataset.phase = model.state?.phase ?? 'none';
    this._text.textContent = this._options.time ? trans.__('AgentBay: %1', text) : text;
    const title = trans.__('AgentBay session: %1', text);
    const label = panel.isThere() ? trans.__('AgentBay session: %1. Show the panel', text) : title;
    this._button.title = title;
    this._button.setAttribute('aria-label', label);
  }

  dispose(): void {
    window.clearInterval(this._ticking);
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._ticking = window.setInterval(() => this.refresh(), TICK_MILLISECONDS);
  }

  protected onBeforeDetach(message: Message): void {
    window.clearInterval(this._ticking);
    super.onBeforeDetach(message);
  }

  private _words(model: SessionModel): string {
    const { time, trans } = this._options;
    const { contact, state } = model;
    if (contact === 'other-version') {
      return trans.__('another version');
    }
    if (state === null) {
      return contact === 'closed' ? trans.__('not available') : trans.__('connecting');
    }
    return time ? summary(state, Date.now() / 1000, trans) : phaseWord(state.phase, trans);
  }

  private readonly _button = document.createElement('button');
  private readonly _dot = document.createElement('span');
  private readonly _text = document.createElement('span');
  private _ticking = 0;
}
