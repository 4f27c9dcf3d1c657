/**
 * In which language a cell's body is, by the cell magic on its first line. No DOM.
 */

/** What a cell magic tells of the lines below it. */
export type Body = { readonly language: string } | { readonly fileName: string };

const LANGUAGES: Readonly<Record<string, string>> = {
  bash: 'shell',
  sh: 'shell',
  node: 'javascript',
  js: 'javascript',
  javascript: 'javascript',
  java: 'java',
  r: 'r',
  R: 'r',
  html: 'html'
};

/** Cell magics that run their body elsewhere, in a language that may be their first word. */
const PLACES: ReadonlySet<string> = new Set(['background']);

/** The body of a cell whose first line is this; null when it is what other cells are. */
export function bodyOf(firstLine: string): Body | null {
  const [, magic = '', rest = ''] = /^%%(\w+)\b\s*(.*)$/.exec(firstLine) ?? [];
  if (magic === 'fs' || magic === 'writefile') {
    const fileName = firstName(magic === 'fs' ? rest.replace(/^write\b/, '') : rest);
    return fileName ? { fileName } : null;
  }
  const word = PLACES.has(magic) ? (rest.split(/\s+/)[0] ?? '') : magic;
  const language = Object.hasOwn(LANGUAGES, word) ? LANGUAGES[word] : undefined;
  return language === undefined ? null : { language };
}

/** The name of the file that a magic's words begin with, but for options, without its folder. */
function firstName(rest: string): string {
  const words = rest.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const path = words.find(word => !word.startsWith('-')) ?? '';
  return path.replace(/^["']|["']$/g, '').replace(/^.*\//, '');
}
