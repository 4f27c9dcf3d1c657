/**
 * Commands for what the panel does, for the palette, the menus and shortcuts.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Actions } from '../actions';
import { CommandIDs } from '../ids';
import type { SessionModel } from '../model';
import { Sender } from '../sender';
import { DOMAIN, IAgentBaySessions } from '../tokens';

/** One command on the session of the notebook in front. */
interface IEntry {
  readonly id: string;
  readonly label: string;
  readonly run: (model: SessionModel) => unknown;
  /** Whether it needs a session, or that there is none; null for either. */
  readonly needs: boolean | null;
}

/** Adds them; the menus are in the plugin's schema. */
export const commands: JupyterFrontEndPlugin<void> = {
  id: 'agentbay-kernel:commands',
  description: 'Commands for the session of the notebook in front.',
  autoStart: true,
  requires: [IAgentBaySessions],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    sessions: IAgentBaySessions,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const model = () => sessions.current?.model ?? null;
    const sender = new Sender(app.serviceManager.contents, trans);
    for (const { id, label, run, needs } of entries(new Actions(trans), sender, trans)) {
      app.commands.addCommand(id, {
        label,
        isEnabled: () => {
          const known = model();
          return known?.contact === 'open' && (needs ?? has(known)) === has(known);
        },
        execute: () => {
          const known = model();
          return known === null ? undefined : run(known);
        }
      });
      palette?.addItem({ command: id, category: 'AgentBay' });
    }
    sessions.changed.connect(() => app.commands.notifyCommandChanged());
  }
};

function has(model: SessionModel): boolean {
  return Boolean(model.state?.sessionId);
}

function entries(actions: Actions, sender: Sender, trans: TranslationBundle): IEntry[] {
  return [
    ...onSessions(actions, trans),
    ...onFiles(actions, sender, trans),
    ...onLinks(actions, trans),
    ...onEnds(actions, trans)
  ];
}

function onFiles(actions: Actions, sender: Sender, trans: TranslationBundle): IEntry[] {
  return [
    {
      id: CommandIDs.upload,
      label: trans.__('Upload Files to Session…'),
      run: model => chooseFiles(files => void sender.sendFiles(model, files)),
      needs: true
    },
    {
      id: CommandIDs.syncContexts,
      label: trans.__('Sync Contexts Now'),
      run: model => actions.syncContexts(model),
      needs: true
    },
    {
      id: CommandIDs.mountContext,
      label: trans.__('Mount Context…'),
      run: model => actions.mountContext(model),
      needs: null
    }
  ];
}

/** Let the user choose files of the computer. */
function chooseFiles(take: (files: File[]) => void): void {
  const chooser = document.createElement('input');
  chooser.type = 'file';
  chooser.multiple = true;
  chooser.addEventListener('change', () => take([...(chooser.files ?? [])]));
  chooser.click();
}

function onSessions(actions: Actions, trans: TranslationBundle): IEntry[] {
  return [
    {
      id: CommandIDs.start,
      label: trans.__('Start Session'),
      run: model => actions.start(model),
      needs: false
    },
    {
      id: CommandIDs.attach,
      label: trans.__('Attach to Session…'),
      run: model => actions.chooseAndAttach(model),
      needs: null
    },
    {
      id: CommandIDs.extend,
      label: trans.__('Extend Session'),
      run: model => actions.extend(model),
      needs: true
    },
    {
      id: CommandIDs.restartInterpreter,
      label: trans.__('Restart Interpreter…'),
      run: model => actions.restartInterpreter(model),
      needs: true
    }
  ];
}

function onLinks(actions: Actions, trans: TranslationBundle): IEntry[] {
  return [
    {
      id: CommandIDs.openLink,
      label: trans.__('Open Link…'),
      run: model => actions.openLink(model),
      needs: true
    },
    {
      id: CommandIDs.copyLink,
      label: trans.__('Copy Link…'),
      run: model => actions.copyLink(model),
      needs: true
    },
    {
      id: CommandIDs.copyId,
      label: trans.__('Copy Session ID'),
      run: model => actions.copyId(model),
      needs: true
    },
    {
      id: CommandIDs.capabilities,
      label: trans.__('Show Capabilities'),
      run: model => actions.capabilities(model),
      needs: true
    }
  ];
}

function onEnds(actions: Actions, trans: TranslationBundle): IEntry[] {
  const remove = (model: SessionModel, sync: boolean) =>
    model.state === null ? undefined : actions.remove(model, model.state, sync);
  return [
    {
      id: CommandIDs.syncAndDelete,
      label: trans.__('Sync and Delete Session…'),
      run: model => remove(model, true),
      needs: true
    },
    {
      id: CommandIDs.remove,
      label: trans.__('Delete Session…'),
      run: model => remove(model, false),
      needs: true
    }
  ];
}
