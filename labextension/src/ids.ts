/**
 * The commands' names.
 */
export namespace CommandIDs {
  export const showPanel = 'agentbay:show-panel';
  export const start = 'agentbay:start';
  export const extend = 'agentbay:extend';
  export const restartInterpreter = 'agentbay:restart-interpreter';
  export const attach = 'agentbay:attach';
  export const openLink = 'agentbay:open-link';
  export const copyLink = 'agentbay:copy-link';
  export const copyId = 'agentbay:copy-id';
  export const capabilities = 'agentbay:capabilities';
  export const syncAndDelete = 'agentbay:sync-and-delete';
  export const remove = 'agentbay:delete';
  export const syncContexts = 'agentbay:sync-contexts';
  export const mountContext = 'agentbay:mount-context';
  export const upload = 'agentbay:upload-files';
  export const send = 'agentbay:send';
  export const openRunning = 'agentbay:open-running';
  export const attachRunning = 'agentbay:attach-running';
  export const removeRunning = 'agentbay:delete-running';
}
