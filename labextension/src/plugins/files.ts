/**
 * Sends files of Jupyter's file browser to the session.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { agentbayIcon } from '../icon';
import { CommandIDs } from '../ids';
import { Sender } from '../sender';
import { DOMAIN, IAgentBaySessions } from '../tokens';

/** Adds a command for the selected files; the context menu is in the plugin's schema. */
export const files: JupyterFrontEndPlugin<void> = {
  id: 'agentbay-kernel:files',
  description: 'Sends files from the file browser to the session of the notebook in front.',
  autoStart: true,
  requires: [IAgentBaySessions],
  optional: [IFileBrowserFactory, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    sessions: IAgentBaySessions,
    factory: IFileBrowserFactory | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const sender = new Sender(app.serviceManager.contents, trans);
    const browser = () => factory?.tracker.currentWidget ?? null;
    app.commands.addCommand(CommandIDs.send, {
      label: trans.__('Send to Session'),
      caption: trans.__('Copy the selected files to the session of the notebook in front'),
      icon: agentbayIcon,
      isVisible: () => sessions.current !== null && browser() !== null,
      isEnabled: () => sessions.current?.model.contact === 'open',
      execute: async () => {
        const chosen = [...(browser()?.selectedItems() ?? [])].map(item => item.path);
        await sender.sendPaths(sessions.current?.model, chosen);
      }
    });
  }
};
