/**
 * Opens the panel from the other plugins, where the panel's own is not disabled.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { CommandIDs } from './ids';

/** A way to the panel. */
export interface IOpener {
  /** Whether there is a panel. */
  readonly isThere: () => boolean;
  /** Show it; does nothing where there is none. */
  readonly open: () => void;
}

/** The way to the panel of a front end. */
export function panelOpener(commands: JupyterFrontEnd['commands']): IOpener {
  const isThere = () => commands.hasCommand(CommandIDs.showPanel);
  return {
    isThere,
    open: () => {
      if (isThere()) {
        void commands.execute(CommandIDs.showPanel);
      }
    }
  };
}
