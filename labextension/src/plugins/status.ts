/**
 * State and time left in the status bar.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { panelOpener } from '../opener';
import { DOMAIN, IAgentBaySessions } from '../tokens';
import { Indicator } from '../widgets/indicator';

/** Tells the state of the session of the notebook in front. */
export const status: JupyterFrontEndPlugin<void> = {
  id: 'agentbay-kernel:status',
  description: 'State and time left of the current notebook’s session, in the status bar.',
  autoStart: true,
  requires: [IAgentBaySessions],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    sessions: IAgentBaySessions,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    if (statusBar === null) {
      return;
    }
    const item = new Indicator({
      model: () => sessions.current?.model ?? null,
      panel: panelOpener(app.commands),
      hides: false,
      time: true,
      trans: (translator ?? nullTranslator).load(DOMAIN)
    });
    sessions.changed.connect(() => item.refresh());
    statusBar.registerStatusItem('agentbay-kernel:status', {
      item,
      align: 'left',
      rank: 5,
      isActive: () => sessions.current !== null,
      activeStateChanged: sessions.changed
    });
  }
};
