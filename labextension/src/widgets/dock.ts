/**
 * The panel of one notebook's kernel, asked for once and kept as long as that kernel is there.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { field } from '../protocol';
import type { INotebookSession } from '../tokens';
import { Docked } from './docked';

/** Keeps what a user has begun in a panel while another one is shown, or none. */
export class Dock {
  constructor(
    readonly session: INotebookSession,
    private readonly _trans: TranslationBundle,
    private readonly _changed: () => void
  ) {}

  /** The view; null while there is none. */
  get view(): Docked | null {
    return this._view;
  }

  /** Whether the view is that of the kernel as it is now, and the kernel can be asked. */
  get isTrue(): boolean {
    const { contact, generation } = this.session.model;
    return this._view !== null && contact === 'open' && generation === this._answered;
  }

  /** Why there is no view; null when nothing went wrong. */
  get error(): unknown {
    return this._error;
  }

  /** Ask for the kernel's panel, if its comm was opened since it was asked last. */
  async ask(): Promise<void> {
    const { model } = this.session;
    const { generation } = model;
    if (model.contact !== 'open' || generation === this._asked) {
      return;
    }
    this._asked = generation;
    this._error = null;
    try {
      const modelId = field(await model.request('panel'), 'model_id');
      if (generation === this._asked) {
        await this._show(modelId, generation);
      }
    } catch (error) {
      if (generation === this._asked) {
        this._drop();
        this._error = error;
      }
    }
    this._changed();
  }

  /** Ask again, after something went wrong. */
  retry(): void {
    this._asked = NEVER;
    void this.ask();
  }

  /** Take the view out; the kernel keeps all that it knows. */
  dispose(): void {
    this._asked = NEVER;
    this._drop();
  }

  /** Draw the panel, unless it is there: a kernel has only one. */
  private async _show(modelId: string, generation: number): Promise<void> {
    if (!modelId) {
      throw new Error(this._trans.__('The kernel named no panel.'));
    }
    this._answered = generation;
    if (this._view?.modelId === modelId) {
      return;
    }
    this._drop();
    const view = new Docked(this.session.notebook, modelId);
    this._view = view;
    this._changed();
    await view.ready;
  }

  private _drop(): void {
    this._view?.dispose();
    this._view = null;
  }

  private _view: Docked | null = null;
  private _error: unknown = null;
  /** The generation of the comm over which it was asked. */
  private _asked = NEVER;
  private _answered = NEVER;
}

const NEVER = -1;
