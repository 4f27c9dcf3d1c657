/**
 * The account's sessions, page by page. No DOM.
 */
import type { JSONValue } from '@lumino/coreutils';
import type { SessionModel } from './model';
import type { ISessionRow } from './protocol';
import { field, readRows } from './protocol';

const IN_A_PAGE = 50;
const MOST_PAGES = 10;

/** Sessions of an account, and how many there are that are not among them. */
export interface IListing {
  readonly rows: readonly ISessionRow[];
  readonly more: number;
}

/** Ask for all sessions, up to some hundreds. */
export async function listSessions(model: SessionModel): Promise<IListing> {
  const rows: ISessionRow[] = [];
  let token = '';
  let total = 0;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const args = { limit: IN_A_PAGE, ...(token && { token }) };
    const found = await model.request('sessions', args);
    rows.push(...readRows(found));
    token = field(found, 'next');
    total = totalOf(found);
    if (!token) {
      return { rows, more: 0 };
    }
  }
  // A provider that does not count has at least one more.
  return { rows, more: Math.max(1, total - rows.length) };
}

function totalOf(value: JSONValue): number {
  const total =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? value.total : 0;
  return typeof total === 'number' ? total : 0;
}
