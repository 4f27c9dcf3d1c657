/**
 * Names and what is so of each, for a dialog.
 */
import type { JSONValue } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';

/** A list of names and values, from what a kernel told; nothing of it is read as HTML. */
export class Facts extends Widget {
  constructor(value: JSONValue, words: { readonly yes: string; readonly no: string }) {
    super({ node: document.createElement('dl') });
    this.addClass('agentbay-Facts');
    for (const [name, told] of pairs(value)) {
      const term = document.createElement('dt');
      term.textContent = name;
      const about = document.createElement('dd');
      about.textContent = saidOf(told, words);
      this.node.append(term, about);
    }
  }
}

/** A value in words; the kernel tells a truth value as Python writes it. */
function saidOf(told: unknown, words: { readonly yes: string; readonly no: string }): string {
  switch (String(told)) {
    case 'true':
    case 'True':
      return words.yes;
    case 'false':
    case 'False':
      return words.no;
    default:
      return String(told);
  }
}

function pairs(value: JSONValue): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
