/**
 * The services that the plugins give to each other.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import type { SessionModel } from './model';

/** A notebook with a kernel of ours. */
export interface INotebookSession {
  readonly notebook: NotebookPanel;
  readonly model: SessionModel;
}

/** The sessions of the open notebooks. */
export interface IAgentBaySessions {
  /** That of the notebook in front; null when its kernel is none of ours. */
  readonly current: INotebookSession | null;

  /** All of them. */
  readonly all: readonly INotebookSession[];

  /** That of a notebook. */
  of(notebook: NotebookPanel): INotebookSession | null;

  /** Emitted when another notebook is in front, one came or went, or a session's state changed. */
  readonly changed: ISignal<IAgentBaySessions, void>;
}

/** The sessions of the open notebooks. */
export const IAgentBaySessions = new Token<IAgentBaySessions>(
  'agentbay-kernel:IAgentBaySessions',
  'The AgentBay sessions of the open notebooks.'
);

/** The extension's domain of translated strings. */
export const DOMAIN = 'agentbay_kernel';

/** The panel's id in the shell. */
export const PANEL_ID = 'agentbay-panel';
