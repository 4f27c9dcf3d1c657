import { syntaxTree } from '@codemirror/language';
import type { LanguageSupport } from '@codemirror/language';
import { javascript } from '@codemirror/lang-javascript';
import { python } from '@codemirror/lang-python';
import { EditorView } from '@codemirror/view';
import { magicHighlighting } from '../src/highlight';
import type { Body } from '../src/magics';

const settled = () => new Promise(resolve => setTimeout(resolve));

function editor(
  doc: string,
  find: (body: Body) => Promise<LanguageSupport | null> = () => Promise.resolve(javascript())
): EditorView {
  return new EditorView({ doc, extensions: [magicHighlighting(find), python()] });
}

function nodes(view: EditorView): string[] {
  const names: string[] = [];
  syntaxTree(view.state).iterate({ enter: node => void names.push(node.name) });
  return names;
}

function change(view: EditorView, from: number, to: number, insert: string): void {
  view.dispatch({ changes: { from, to, insert } });
}

describe('cells of our cell magics', () => {
  it('are a magic and a body in its language', async () => {
    const view = editor('%%node\nconst answer = 42;');
    await settled();
    expect(nodes(view).slice(0, 4)).toEqual(['Cell', 'Magic', 'Script', 'VariableDeclaration']);
    view.destroy();
  });

  it('leave other cells as they are', async () => {
    const view = editor('const answer = 42');
    await settled();
    expect(nodes(view)).not.toContain('VariableDeclaration');
    expect(nodes(view)).toContain('AssignStatement');
    view.destroy();
  });

  it('follow what is typed', async () => {
    const view = editor('const answer = 42');
    await settled();
    change(view, 0, 0, '%%node\n');
    await settled();
    expect(nodes(view)).toContain('VariableDeclaration');
    change(view, 0, 7, '');
    await settled();
    expect(nodes(view)).toContain('AssignStatement');
    view.destroy();
  });

  it('keep their structure while the body changes', async () => {
    const view = editor('%%node\nconst answer = 42;');
    await settled();
    change(view, view.state.doc.length, view.state.doc.length, '\nfunction f() {}');
    await settled();
    expect(nodes(view)).toContain('FunctionDeclaration');
    view.destroy();
  });

  it('stay what they were when the language cannot be had', async () => {
    const view = editor('%%node\nx = 1', () => Promise.reject(new Error('offline')));
    await settled();
    expect(nodes(view)).not.toContain('Cell');
    view.destroy();
  });

  it('change nothing in an editor that is gone', async () => {
    const view = editor('%%node\nx = 1');
    const dispatch = jest.spyOn(view, 'dispatch');
    view.destroy();
    await settled();
    expect(dispatch).not.toHaveBeenCalled();
  });
});
