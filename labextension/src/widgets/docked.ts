/**
 * The kernel's panel of one notebook, drawn with that notebook's own renderers.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMime } from '@jupyterlab/rendermime';
import type { Message } from '@lumino/messaging';
import { Panel } from '@lumino/widgets';

const WIDGET = 'application/vnd.jupyter.widget-view+json';

/** A view of a widget model of the notebook's kernel. */
export class Docked extends Panel {
  constructor(
    notebook: NotebookPanel,
    readonly modelId: string
  ) {
    super();
    this.addClass('agentbay-Docked');
    const { rendermime } = notebook.content;
    const data = { [WIDGET]: { version_major: 2, version_minor: 0, model_id: modelId } };
    this._view = rendermime.createRenderer(WIDGET);
    this.addWidget(this._view);
    this.ready = this._view.renderModel(rendermime.createModel({ data, trusted: true }));
  }

  /** Settled when the view is drawn. */
  readonly ready: Promise<void>;

  protected onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }

  protected onBeforeHide(message: Message): void {
    this._scrolled = this.node.scrollTop;
    super.onBeforeHide(message);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    // What is out of sight is not scrolled for every browser.
    this.node.scrollTop = this._scrolled;
  }

  private readonly _view: IRenderMime.IRenderer;
  private _scrolled = 0;
}
