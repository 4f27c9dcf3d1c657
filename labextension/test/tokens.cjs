// Of these packages the plugins use their tokens only; the packages themselves want a whole browser.
const { Token } = require('@lumino/coreutils');

const names = [
  'IEditorExtensionRegistry',
  'IEditorLanguageRegistry',
  'IFileBrowserFactory',
  'ILabShell',
  'ILayoutRestorer',
  'INotebookTracker',
  'IRunningSessionManagers',
  'IStatusBar'
];

module.exports = {
  ...Object.fromEntries(names.map(name => [name, new Token(name)])),
  EditorExtensionRegistry: { createImmutableExtension: extension => extension }
};
