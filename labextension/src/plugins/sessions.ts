/**
 * Follows the sessions of the open notebooks, for the other plugins.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { NotebookSessions } from '../sessions';
import { IAgentBaySessions } from '../tokens';

/** Provides the sessions of the open notebooks. */
export const sessions: JupyterFrontEndPlugin<IAgentBaySessions> = {
  id: 'agentbay-kernel:sessions',
  description: 'Follows the AgentBay sessions of the open notebooks.',
  autoStart: true,
  requires: [INotebookTracker],
  provides: IAgentBaySessions,
  activate: (_: JupyterFrontEnd, tracker: INotebookTracker) => new NotebookSessions(tracker)
};
