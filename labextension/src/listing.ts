/**
 * The account's sessions, as the kernels of the open notebooks list them. No DOM.
 */
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { SessionModel } from './model';
import type { IListing } from './paging';
import type { ISessionRow, ISessionState } from './protocol';
import type { IAgentBaySessions } from './tokens';

/** A session, and a model over which it can be asked for. */
export interface IListed {
  readonly row: ISessionRow;
  readonly model: SessionModel;
}

/** What is known of one provider's sessions. */
interface IKnown {
  readonly items: readonly IListed[];
  readonly more: number;
}

/**
 * Asks when somebody wants it, and while somebody sees it when a notebook's own session came or
 * went; never by itself.
 */
export class Listing {
  constructor(
    private readonly _sessions: IAgentBaySessions,
    private readonly _ask: (model: SessionModel) => Promise<IListing>
  ) {
    _sessions.changed.connect(() => this._look());
    this._look();
  }

  /** Emitted when the list is another one. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted once when a kernel refuses, and again only after all answered. */
  get failed(): ISignal<this, unknown> {
    return this._failed;
  }

  /** The sessions that were there when the kernels were asked last and answered. */
  get items(): readonly IListed[] {
    return [...this._known.values()].flatMap(({ items }) => items);
  }

  /** How many sessions there are beside them. */
  get more(): number {
    return [...this._known.values()].reduce((sum, { more }) => sum + more, 0);
  }

  /** Tell whether somebody sees the list. */
  see(isSeen: boolean): void {
    const comes = isSeen && !this._isSeen;
    this._isSeen = isSeen;
    if (comes) {
      void this.refresh();
    }
  }

  /** Ask again: one kernel for each provider that the notebooks use. */
  async refresh(): Promise<void> {
    const turn = ++this._turn;
    const errors: unknown[] = [];
    const asked = [...this._models()].map(async ([provider, model]) => {
      const known = await this._answer(provider, model).catch((error: unknown) => {
        errors.push(error);
        return this._known.get(provider) ?? NOTHING;
      });
      return [provider, known] as const;
    });
    const known = new Map(await Promise.all(asked));
    if (turn !== this._turn) {
      return;
    }
    this._known = known;
    if (errors.length > 0 && !this._isFailing) {
      this._failed.emit(errors[0]);
    }
    this._isFailing = errors.length > 0;
    this._changed.emit();
  }

  private async _answer(provider: string, model: SessionModel): Promise<IKnown> {
    try {
      const { rows, more } = await this._ask(model);
      return { items: rows.map(row => ({ row, model })), more };
    } catch (error) {
      if (model.contact === 'open') {
        throw error;
      }
      // A kernel that went meanwhile has refused nothing.
      return this._known.get(provider) ?? NOTHING;
    }
  }

  private _look(): void {
    const ids = this._sessions.all.map(({ model }) =>
      model.contact === 'open' && model.state !== null ? keyOf(model.state) : ''
    );
    const seen = ids.sort().join('\n');
    if (seen !== this._seen) {
      this._seen = seen;
      if (this._isSeen) {
        void this.refresh();
      }
    }
  }

  private _models(): Map<string, SessionModel> {
    const open = this._sessions.all.filter(({ model }) => model.contact === 'open');
    return new Map(open.map(({ model }) => [model.state?.provider ?? '', model]));
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _failed = new Signal<this, unknown>(this);
  private _known: ReadonlyMap<string, IKnown> = new Map<string, IKnown>();
  private _isFailing = false;
  private _isSeen = false;
  private _seen = '';
  private _turn = 0;
}

const NOTHING: IKnown = { items: [], more: 0 };

/** A notebook's session is another one, or one of several now. */
function keyOf({ provider, sessionId, name }: ISessionState): string {
  return [provider, sessionId, name].join(' ');
}
