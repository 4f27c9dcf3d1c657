import { Dialog, Notification } from '@jupyterlab/apputils';
import type { IRunningSessions } from '@jupyterlab/running';
import type { JSONObject } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import { CommandIDs } from '../src/ids';
import { running } from '../src/plugins/running';
import { connected, FakeError, FakeSessions } from './fakes';
import type { Answer } from './fakes';
import { activate, answer, asked, dialog, front, settled } from './front';

afterEach(() => {
  Dialog.flush();
  Notification.dismiss();
  document.body.replaceChildren();
});

describe('the section of what is running', () => {
  const rows: JSONObject[] = [
    { session_id: 's-1', name: 'main', status: 'RUNNING' },
    { session_id: 's-2', status: 'RUNNING', image: 'code_latest' }
  ];

  async function section(answers: Record<string, Answer> = {}, hasPanel = true) {
    const { app, shell, registry } = front();
    if (hasPanel) {
      registry.addCommand(CommandIDs.showPanel, { execute: () => undefined });
    }
    const sessions = new FakeSessions();
    const managers = { add: jest.fn<unknown, [IRunningSessions.IManager]>() };
    activate(running, app, sessions, managers);
    const { kernel, model } = connected({ sessions: () => ({ rows }), ...answers });
    sessions.show(model);
    const manager = managers.add.mock.calls[0][0];
    manager.refreshRunning();
    await settled();
    const items = manager.running({ mode: 'list' });
    /** Open the context menu on a session. */
    const point = (sessionId: string) => {
      const node = document.createElement('li');
      node.dataset.context = `agentbay-session:${sessionId}`;
      Object.assign(app, { contextMenuHitTest: () => node });
    };
    return { manager, kernel, shell, sessions, registry, items, point };
  }

  it.each(['left', 'right'])('looks while its sidebar is in sight on the %s', async side => {
    const { app } = front();
    const sessions = new FakeSessions();
    const sidebar = { id: 'jp-running-sessions', isVisible: false };
    const layoutModified = new Signal<object, void>({});
    const widgets = (area: string) => (area === side ? [sidebar] : []).values();
    activate(running, app, sessions, null, null, { layoutModified, widgets });
    const { kernel, model } = connected({ sessions: () => ({ rows }) });
    sessions.show(model);
    await settled();
    expect(asked(kernel)).toHaveLength(0);
    for (const isVisible of [false, true, true, false, true]) {
      sidebar.isVisible = isVisible;
      layoutModified.emit();
    }
    expect(asked(kernel)).toHaveLength(2);
  });

  it('says once that it cannot ask, and keeps what it knew', async () => {
    let fails = false;
    const answers = { sessions: () => (fails ? new FakeError({ message: 'No.' }) : { rows }) };
    const { manager } = await section(answers);
    fails = true;
    for (let times = 0; times < 2; times += 1) {
      manager.refreshRunning();
      await settled();
    }
    expect(Notification.manager.notifications.map(({ message }) => message)).toEqual(['No.']);
    expect(manager.running({ mode: 'list' })).toHaveLength(2);
  });

  it('counts what it does not list', async () => {
    const { items } = await section({ sessions: () => ({ rows, next: 'x', total: 40 }) });
    expect(items).toHaveLength(20 + 1);
    expect(items.at(-1)!.label()).toBe('20 more are not listed');
    expect(items.at(-1)!.shutdown).toBeUndefined();
  });

  it('offers only what can be done with a session', async () => {
    const { registry, sessions, point } = await section();
    const can = () =>
      [CommandIDs.openRunning, CommandIDs.attachRunning, CommandIDs.removeRunning].map(id =>
        registry.isEnabled(id)
      );
    expect(can()).toEqual([false, false, false]);
    point('s-1');
    expect(can()).toEqual([true, false, true]);
    point('s-2');
    expect(can()).toEqual([true, true, true]);
    // A notebook with another kernel comes to the front.
    sessions.current = null;
    expect(can()).toEqual([false, false, true]);
    point('s-1');
    expect(can()).toEqual([true, false, true]);
  });

  it('says why a session cannot be opened', async () => {
    const { items, sessions } = await section();
    sessions.current = null;
    items[1].open!();
    await settled();
    expect(Notification.manager.notifications[0].message).toMatch(/attached to s-2/);
  });

  it('names the sessions, and the notebook where there is one', async () => {
    const { manager, items } = await section();
    expect(manager.name).toBe('AgentBay sessions');
    expect(items.map(item => item.label())).toEqual(['main', 's-2']);
    expect(items.map(item => item.detail!())).toEqual(['notebook.ipynb', 'running']);
  });

  it('opens the notebook of a session', async () => {
    const { items, shell } = await section();
    items[0].open!();
    expect(shell.activateById).toHaveBeenCalledWith('notebook');
  });

  it('opens the notebook where the panel is disabled, too', async () => {
    const { items, shell, registry } = await section({}, false);
    const execute = jest.spyOn(registry, 'execute');
    items[0].open!();
    await settled();
    expect(shell.activateById).toHaveBeenCalledWith('notebook');
    expect(execute).not.toHaveBeenCalled();
  });

  it('offers a session without a notebook to the one in front', async () => {
    const { items, kernel } = await section({ attach: () => null });
    items[1].open!();
    expect((await dialog()).textContent).toContain('The next cells of notebook.ipynb run there.');
    await answer('Attach');
    expect(asked(kernel).at(-1)).toEqual(['attach', { session_id: 's-2' }]);
  });

  it('deletes a session after a yes, and looks again', async () => {
    const { items, kernel } = await section({ delete: () => null });
    items[1].shutdown!();
    await answer('Delete');
    await settled();
    expect(asked(kernel).slice(-2)).toEqual([
      ['delete', { session_id: 's-2', sync: true }],
      ['sessions', { limit: 50 }]
    ]);
  });
});
