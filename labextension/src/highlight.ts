/**
 * Reads cells of our cell magics as what they are: a line of magic, and a body in its language.
 */
import { Language, defineLanguageFacet, languageDataProp } from '@codemirror/language';
import type { LanguageSupport } from '@codemirror/language';
import type { Extension, Text } from '@codemirror/state';
import { Compartment, Prec } from '@codemirror/state';
import type { EditorView, ViewUpdate } from '@codemirror/view';
import { ViewPlugin } from '@codemirror/view';
import type { Input, ParseWrapper, PartialParse, TreeFragment } from '@lezer/common';
import { NodeSet, NodeType, Parser, Tree, parseMixed } from '@lezer/common';
import { styleTags, tags } from '@lezer/highlight';
import type { Body } from './magics';
import { bodyOf } from './magics';

/** Finds the language of a body; null when it is not known. */
export type FindLanguage = (body: Body) => Promise<LanguageSupport | null>;

const DATA = defineLanguageFacet();
const CELL = NodeType.define({
  id: 0,
  name: 'Cell',
  top: true,
  props: [[languageDataProp, DATA]]
});
const NODES = new NodeSet([
  CELL,
  NodeType.define({ id: 1, name: 'Magic' }),
  NodeType.define({ id: 2, name: 'Body' })
]).extend(styleTags({ Magic: tags.meta }));
const [Cell, Magic, BodyType] = NODES.types as [NodeType, NodeType, NodeType];

/** Cuts a cell behind its first line, and lets another parser read what is below. */
class CellParser extends Parser {
  constructor(body: Parser) {
    super();
    this._wrap = parseMixed(node => (node.type === BodyType ? { parser: body } : null));
  }

  createParse(
    input: Input,
    fragments: readonly TreeFragment[],
    ranges: readonly { from: number; to: number }[]
  ): PartialParse {
    return this._wrap(outer(input), input, fragments, ranges);
  }

  private readonly _wrap: ParseWrapper;
}

/** A parse that is done in one step. */
function outer(input: Input): PartialParse {
  let stoppedAt: number | null = null;
  return {
    parsedPos: 0,
    get stoppedAt() {
      return stoppedAt;
    },
    stopAt: at => (stoppedAt = at),
    advance: () => cut(input)
  };
}

function cut(input: Input): Tree {
  let end = 0;
  while (end < input.length && !input.chunk(end).includes('\n')) {
    end += Math.max(1, input.chunk(end).length);
  }
  if (end < input.length) {
    end += input.chunk(end).indexOf('\n');
  }
  const magic = new Tree(Magic, [], [], end);
  const body = new Tree(BodyType, [], [], input.length - end);
  return new Tree(Cell, [magic, body], [0, end], input.length);
}

/** The language of a cell whose body is in that language. */
export function cellLanguage(body: LanguageSupport): Extension {
  const parser = new CellParser(body.language.parser);
  return [new Language(DATA, parser, [], 'agentbay-cell').extension, body.support];
}

/** Gives each cell that begins with one of the cell magics the language of its body. */
export function magicHighlighting(find: FindLanguage): Extension {
  const language = new Compartment();
  const follower = ViewPlugin.define(view => new Follower(view, language, find));
  // Of several languages of an editor the first counts.
  return [Prec.highest(language.of([])), follower];
}

/** Follows the first line of one editor. */
class Follower {
  constructor(
    private readonly _view: EditorView,
    private readonly _language: Compartment,
    private readonly _find: FindLanguage
  ) {
    this._look(_view.state.doc);
  }

  update(update: ViewUpdate): void {
    if (update.docChanged) {
      this._look(update.state.doc);
    }
  }

  destroy(): void {
    this._turn += 1;
  }

  private _look(doc: Text): void {
    const body = bodyOf(doc.line(1).text);
    const key = JSON.stringify(body);
    if (key !== this._key) {
      this._key = key;
      void this._use(body);
    }
  }

  private async _use(body: Body | null): Promise<void> {
    const turn = ++this._turn;
    const found = body === null ? null : await this._find(body).catch(() => null);
    // An editor cannot be changed while it is being updated.
    await Promise.resolve();
    if (turn === this._turn) {
      const effects = this._language.reconfigure(found === null ? [] : cellLanguage(found));
      this._view.dispatch({ effects });
    }
  }

  private _key = 'null';
  private _turn = 0;
}
