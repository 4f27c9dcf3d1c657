import type { JSONObject } from '@lumino/coreutils';
import { listSessions } from '../src/paging';
import { connected } from './fakes';
import { asked } from './front';

/** A kernel with that many pages of one session each. */
function pages(count: number, total: number | null = null) {
  return connected({
    sessions: ({ token = '' }: JSONObject) => {
      const page = Number(token) + 1;
      const rows: JSONObject[] = [{ session_id: `s-${page}` }];
      return { rows, next: page < count ? String(page) : '', total };
    }
  });
}

describe('the account’s sessions', () => {
  it('come page by page', async () => {
    const { kernel, model } = pages(3);
    const { rows, more } = await listSessions(model);
    expect(rows.map(({ sessionId }) => sessionId)).toEqual(['s-1', 's-2', 's-3']);
    expect(more).toBe(0);
    expect(asked(kernel)).toEqual([
      ['sessions', { limit: 50 }],
      ['sessions', { limit: 50, token: '1' }],
      ['sessions', { limit: 50, token: '2' }]
    ]);
  });

  it.each([
    [25, 15],
    [null, 1]
  ])('are not all asked for where there are very many, %p in all', async (total, more) => {
    const { kernel, model } = pages(25, total);
    const found = await listSessions(model);
    expect(found.rows).toHaveLength(10);
    expect(found.more).toBe(more);
    expect(asked(kernel)).toHaveLength(10);
  });
});
