/**
 * The state of a notebook's session in its toolbar.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { panelOpener } from '../opener';
import { DOMAIN, IAgentBaySessions } from '../tokens';
import { Indicator } from '../widgets/indicator';

/** Puts an indicator into the toolbar of each notebook; it shows where the kernel is ours. */
export const toolbar: JupyterFrontEndPlugin<void> = {
  id: 'agentbay-kernel:toolbar',
  description: 'The state of a notebook’s session, in its toolbar.',
  autoStart: true,
  requires: [IAgentBaySessions, IToolbarWidgetRegistry],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    sessions: IAgentBaySessions,
    registry: IToolbarWidgetRegistry,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    registry.addFactory<NotebookPanel>('Notebook', 'agentbay-session', notebook => {
      const chip = new Indicator({
        model: () => sessions.of(notebook)?.model ?? null,
        panel: panelOpener(app.commands),
        hides: true,
        time: false,
        trans
      });
      chip.addClass('agentbay-mod-chip');
      const refresh = () => chip.refresh();
      sessions.changed.connect(refresh);
      chip.disposed.connect(() => sessions.changed.disconnect(refresh));
      return chip;
    });
  }
};
