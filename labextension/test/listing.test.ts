import { Listing } from '../src/listing';
import type { SessionModel } from '../src/model';
import type { IListing } from '../src/paging';
import { readRows } from '../src/protocol';
import { connected, FakeSessions, READY } from './fakes';

const ROWS: IListing = {
  rows: readRows({ rows: [{ session_id: 's-1' }, { session_id: 's-2', name: 'gpu' }] }),
  more: 0
};
const settled = () => new Promise(resolve => setTimeout(resolve));

function listing(ask: (model: SessionModel) => Promise<IListing>) {
  const sessions = new FakeSessions();
  return { sessions, listing: new Listing(sessions, ask) };
}

describe('the list of sessions', () => {
  it('is asked for when a notebook’s session comes, and not again while it only works', async () => {
    const ask = jest.fn(() => Promise.resolve(ROWS));
    const { sessions, listing: list } = listing(ask);
    list.see(true);
    const { kernel, model } = connected();
    model.changed.connect(() => sessions.changed.emit());
    sessions.show(model);
    await settled();
    expect(list.items.map(({ row }) => row.sessionId)).toEqual(['s-1', 's-2']);
    kernel.comm.tell({ ...READY, state: 'busy' });
    kernel.comm.tell(READY);
    expect(ask).toHaveBeenCalledTimes(1);
    kernel.comm.tell({ ...READY, session_id: 's-3' });
    expect(ask).toHaveBeenCalledTimes(2);
    kernel.comm.tell({ ...READY, session_id: 's-3', name: 'main' });
    expect(ask).toHaveBeenCalledTimes(3);
  });

  it('is not asked for while nobody sees it, and when somebody does', async () => {
    const ask = jest.fn(() => Promise.resolve(ROWS));
    const { sessions, listing: list } = listing(ask);
    const { kernel, model } = connected();
    model.changed.connect(() => sessions.changed.emit());
    sessions.show(model);
    kernel.comm.tell({ ...READY, session_id: 's-3' });
    await settled();
    expect(ask).not.toHaveBeenCalled();
    list.see(true);
    list.see(true);
    await settled();
    expect(ask).toHaveBeenCalledTimes(1);
    expect(list.items).toHaveLength(2);
    list.see(false);
    kernel.comm.tell({ ...READY, session_id: 's-4' });
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('is empty without a notebook of ours, and asks nobody', async () => {
    const ask = jest.fn(() => Promise.resolve(ROWS));
    const { listing: list } = listing(ask);
    await list.refresh();
    expect(ask).not.toHaveBeenCalled();
    expect(list.items).toEqual([]);
  });

  it('asks one kernel of each provider', async () => {
    const ask = jest.fn(() => Promise.resolve({ rows: [], more: 2 }));
    const { sessions, listing: list } = listing(ask);
    const models = [READY, READY, { ...READY, provider: 'agentbay' }].map(
      state => connected({}, state).model
    );
    sessions.all = models.map(model => ({ notebook: {} as never, model }));
    await list.refresh();
    expect(ask).toHaveBeenCalledTimes(2);
    expect(list.more).toBe(4);
  });

  it('stays what it was where a kernel refuses, which is told once', async () => {
    let refuses = false;
    const { sessions, listing: list } = listing(() =>
      refuses ? Promise.reject(new Error('refused')) : Promise.resolve(ROWS)
    );
    const failed = jest.fn();
    list.failed.connect((_, error) => void failed((error as Error).message));
    sessions.show(connected().model);
    await list.refresh();
    refuses = true;
    await list.refresh();
    await list.refresh();
    expect(list.items).toHaveLength(2);
    expect(failed.mock.calls).toEqual([['refused']]);
    refuses = false;
    await list.refresh();
    refuses = true;
    await list.refresh();
    expect(failed).toHaveBeenCalledTimes(2);
  });

  it('takes no kernel that goes meanwhile for one that refuses', async () => {
    const { sessions, listing: list } = listing(model => model.request('sessions') as never);
    const failed = jest.fn();
    list.failed.connect(failed);
    const { kernel, model } = connected();
    sessions.show(model);
    const done = list.refresh();
    kernel.turn('restarting');
    await done;
    expect(failed).not.toHaveBeenCalled();
  });
});
