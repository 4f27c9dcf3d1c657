/**
 * The panel in the right side bar.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { agentbayIcon } from '../icon';
import { CommandIDs } from '../ids';
import type { SessionModel } from '../model';
import { Sender } from '../sender';
import { DOMAIN, IAgentBaySessions, PANEL_ID } from '../tokens';
import { SessionPanel } from '../widgets/panel';

const KERNEL = 'agentbay';
const CREATE = 'notebook:create-new';
const RANK = 700;
const SHOW = 'showWithNotebook';

/** Docks the kernel's panel of the notebook in front. */
export const panel: JupyterFrontEndPlugin<void> = {
  id: 'agentbay-kernel:panel',
  description: 'The panel of the session of the notebook in front, in the right side bar.',
  autoStart: true,
  requires: [IAgentBaySessions],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    sessions: IAgentBaySessions,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    settings: ISettingRegistry | null
  ) => {
    const { commands, shell, serviceManager } = app;
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const sender = new Sender(serviceManager.contents, trans);
    const create = () => void commands.execute(CREATE, { kernelName: KERNEL });
    const model = () => sessions.current?.model;
    const made = new SessionPanel({
      sessions,
      trans,
      create: commands.hasCommand(CREATE) ? create : null,
      drop: {
        accepts: () => model()?.contact === 'open',
        takePaths: (paths, folder) => void sender.sendPaths(model(), paths, folder),
        takeFiles: files => void sender.sendFiles(model(), files)
      }
    });
    made.title.icon = agentbayIcon;
    shell.add(made, 'right', { rank: RANK });
    restorer?.add(made, PANEL_ID);
    commands.addCommand(CommandIDs.showPanel, {
      label: trans.__('Show AgentBay Panel'),
      caption: trans.__('Show the session of the notebook in front'),
      icon: args => (args.isPalette ? undefined : agentbayIcon),
      execute: () => shell.activateById(PANEL_ID)
    });
    palette?.addItem({ command: CommandIDs.showPanel, category: 'AgentBay' });
    settings
      ?.load(panel.id)
      .then(loaded => showWithNotebooks(sessions, loaded, shell))
      .catch((reason: unknown) => console.warn('AgentBay: no settings of the panel.', reason));
  }
};

/** Show the panel for each notebook that is new, where the user has chosen that. */
function showWithNotebooks(
  sessions: IAgentBaySessions,
  settings: ISettingRegistry.ISettings,
  shell: JupyterFrontEnd.IShell
): void {
  const known = new WeakSet<SessionModel>();
  const look = () => {
    const model = sessions.current?.model;
    if (model !== undefined && !known.has(model)) {
      known.add(model);
      if (settings.get(SHOW).composite === true) {
        shell.activateById(PANEL_ID);
      }
    }
  };
  sessions.changed.connect(look);
  look();
}
