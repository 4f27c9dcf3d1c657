/**
 * The plugins, each of which can be disabled by itself.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { commands } from './plugins/commands';
import { files } from './plugins/files';
import { highlight } from './plugins/highlight';
import { panel } from './plugins/panel';
import { running } from './plugins/running';
import { sessions } from './plugins/sessions';
import { status } from './plugins/status';
import { toolbar } from './plugins/toolbar';

export { IAgentBaySessions } from './tokens';
export type { INotebookSession } from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  sessions,
  panel,
  commands,
  toolbar,
  status,
  running,
  files,
  highlight
];

export default plugins;
