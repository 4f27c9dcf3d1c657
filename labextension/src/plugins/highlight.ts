/**
 * Highlights the bodies of `%%bash`, `%%node`, `%%r`, `%%java` and `%%fs write NAME`.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import {
  EditorExtensionRegistry,
  IEditorExtensionRegistry,
  IEditorLanguageRegistry
} from '@jupyterlab/codemirror';
import { magicHighlighting } from '../highlight';
import type { Body } from '../magics';

/** What a cell of text is. */
const MARKDOWN = 'text/x-ipythongfm';

/** Reads the cells of our cell magics in their languages. */
export const highlight: JupyterFrontEndPlugin<void> = {
  id: 'agentbay-kernel:highlight',
  description: 'Highlights cells of %%bash, %%node, %%r, %%java and %%fs write in their language.',
  autoStart: true,
  requires: [IEditorExtensionRegistry, IEditorLanguageRegistry],
  activate: (
    _: JupyterFrontEnd,
    extensions: IEditorExtensionRegistry,
    languages: IEditorLanguageRegistry
  ) => {
    const find = async (body: Body) => {
      const known =
        'language' in body
          ? languages.findByName(body.language)
          : languages.findByFileName(body.fileName);
      const loaded = known === null ? null : await languages.getLanguage(known);
      return loaded?.support ?? null;
    };
    extensions.addExtension({
      name: 'agentbay-kernel:highlight',
      // Only cells are inline; a file is what its name says.
      factory: ({ inline, model }) =>
        inline && model.mimeType !== MARKDOWN
          ? EditorExtensionRegistry.createImmutableExtension(magicHighlighting(find))
          : null
    });
  }
};
