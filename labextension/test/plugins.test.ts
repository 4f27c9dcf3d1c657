import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification } from '@jupyterlab/apputils';
import type { IStatusBar } from '@jupyterlab/statusbar';
import type { CommandRegistry } from '@lumino/commands';
import type { JSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';
import plugins from '../src/index';
import { CommandIDs } from '../src/ids';
import { commands } from '../src/plugins/commands';
import { status } from '../src/plugins/status';
import { toolbar } from '../src/plugins/toolbar';
import { connected, FakeError, FakeSessions, READY } from './fakes';
import type { Answer } from './fakes';
import { activate, answer, asked, dialog, front, settled } from './front';

const NONE = { ...READY, state: 'none', session_id: '' };

afterEach(() => {
  Dialog.flush();
  Notification.dismiss();
  document.body.replaceChildren();
});

describe('the plugins', () => {
  it('have an id, a description and a file each', () => {
    const ids = plugins.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every(id => id.startsWith('agentbay-kernel:'))).toBe(true);
    expect(plugins.every(({ description }) => description)).toBe(true);
  });

  it.each(plugins.slice(1, -1).map(plugin => [plugin.id, plugin] as const))(
    '%s does without what a front end does not have',
    (_, plugin) => {
      const { app } = front();
      const optional = plugin.optional?.length ?? 0;
      const registry = { addFactory: jest.fn() };
      const services = [new FakeSessions(), registry].slice(0, plugin.requires?.length);
      const missing = Array<null>(optional).fill(null);
      expect(() => plugin.activate(app, ...([...services, ...missing] as never[]))).not.toThrow();
    }
  );
});

describe('the commands', () => {
  function ready(answers: Record<string, Answer> = {}, state = READY) {
    const { app, registry } = front();
    const sessions = new FakeSessions();
    activate(commands, app, sessions);
    const { kernel, model } = connected(answers, state);
    sessions.show(model);
    return { registry, sessions, kernel };
  }

  it('are disabled without a notebook of ours', () => {
    const { registry, sessions } = ready();
    sessions.show(null);
    expect(registry.listCommands().some(id => registry.isEnabled(id))).toBe(false);
  });

  it('start a session only where there is none', async () => {
    const { registry, kernel } = ready({ start: () => ({ session_id: 's-1' }) }, NONE);
    expect(registry.isEnabled(CommandIDs.start)).toBe(true);
    expect(registry.isEnabled(CommandIDs.attach)).toBe(true);
    expect(registry.isEnabled(CommandIDs.remove)).toBe(false);
    await registry.execute(CommandIDs.start);
    expect(asked(kernel)).toEqual([['start', {}]]);
    kernel.comm.tell(READY);
    expect(registry.isEnabled(CommandIDs.start)).toBe(false);
  });

  it('say what the kernel refuses', async () => {
    const error = { message: 'Quota.', next_step: 'Delete one' };
    const { registry } = ready({ extend: () => new FakeError(error) });
    await registry.execute(CommandIDs.extend);
    await settled();
    expect(Notification.manager.notifications[0]).toMatchObject({
      message: 'Quota.\nDelete one',
      type: 'error'
    });
  });

  it('delete a session only after a yes, with its contexts saved if wanted', async () => {
    const { registry, kernel } = ready({ delete: () => null });
    const no = registry.execute(CommandIDs.remove);
    await answer('Cancel');
    await no;
    expect(asked(kernel)).toEqual([]);
    const yes = registry.execute(CommandIDs.syncAndDelete);
    expect((await dialog()).textContent).toContain('files that are in no context are lost');
    await answer('Delete');
    await yes;
    expect(asked(kernel)).toEqual([['delete', { session_id: 's-1', sync: true }]]);
  });

  it('restart the interpreter only after a yes', async () => {
    const { registry, kernel } = ready({ restart_interpreter: () => null });
    const done = registry.execute(CommandIDs.restartInterpreter);
    await answer('Restart');
    await done;
    expect(asked(kernel)).toEqual([['restart_interpreter', { session_id: 's-1' }]]);
  });

  it('open a link in a page that knows nothing of this one', async () => {
    const page = { opener: window, location: { replace: jest.fn() }, close: jest.fn() };
    jest.spyOn(window, 'open').mockReturnValue(page as never);
    const { registry, kernel } = ready({ link: () => ({ url: 'https://host/secret' }) });
    const done = registry.execute(CommandIDs.openLink);
    await answer('Open');
    await done;
    expect(asked(kernel)).toEqual([['link', {}]]);
    expect(page.opener).toBeNull();
    expect(page.location.replace).toHaveBeenCalledWith('https://host/secret');
  });

  it('open nothing that is no link', async () => {
    const page = { opener: window, location: { replace: jest.fn() }, close: jest.fn() };
    jest.spyOn(window, 'open').mockReturnValue(page as never);
    const { registry } = ready({ link: () => ({ url: 'javascript:alert(1)' }) });
    const done = registry.execute(CommandIDs.openLink);
    await answer('Open');
    await done;
    expect(page.location.replace).not.toHaveBeenCalled();
    expect(page.close).toHaveBeenCalled();
  });

  it('attach to another of the account’s sessions', async () => {
    const rows: JSONObject[] = [
      { session_id: 's-1' },
      { session_id: 's-2', status: 'RUNNING', image: 'i' }
    ];
    const { registry, kernel } = ready({ sessions: () => ({ rows }), attach: () => null });
    const done = registry.execute(CommandIDs.attach);
    await answer('Attach');
    await done;
    expect(asked(kernel).at(-1)).toEqual(['attach', { session_id: 's-2' }]);
  });

  it('ask for a protocol only together with a port', async () => {
    const { registry } = ready({ link: () => ({ url: 'https://host/secret' }) });
    const done = registry.execute(CommandIDs.copyLink);
    const form = await dialog();
    const [port, protocol] = form.querySelectorAll<HTMLInputElement>('input, select');
    expect(protocol.disabled).toBe(true);
    port.value = '30100';
    port.dispatchEvent(new Event('input'));
    expect(protocol.disabled).toBe(false);
    await answer('Cancel');
    await done;
  });

  it('save all contexts', async () => {
    const { registry, kernel } = ready({ sync: () => [] });
    await registry.execute(CommandIDs.syncContexts);
    expect(asked(kernel)).toEqual([['sync', { direction: 'upload', path: '' }]]);
    expect(Notification.manager.notifications[0]).toMatchObject({
      message: 'Saved.',
      type: 'success'
    });
  });

  it('mount a context, at its usual place or another', async () => {
    const { registry, kernel } = ready({
      context_names: () => ['<b>tides', 'gauges'],
      mount: () => null
    });
    for (const path of ['', '/data']) {
      const done = registry.execute(CommandIDs.mountContext);
      const form = await dialog();
      const [name, folder] = form.querySelectorAll('input');
      const offered = [...form.querySelectorAll('option')].map(each => each.value);
      expect(offered).toEqual(['<b>tides', 'gauges']);
      name.value = 'gauges';
      name.dispatchEvent(new Event('input'));
      expect(folder.placeholder).toBe('/mnt/gauges');
      folder.value = path;
      await answer('Mount');
      await done;
      const args = { name: 'gauges', path: path || '/mnt/gauges' };
      expect(asked(kernel).at(-1)).toEqual(['mount', args]);
    }
  });

  it('upload files that the user chooses', async () => {
    const upload: Answer = ({ step }) => (step === 'begin' ? { upload: 'U' } : null);
    const { registry, kernel } = ready({ upload });
    const file = Object.assign(new File([''], 'x.txt'), {
      stream: () => new ReadableStream({ start: controller => controller.close() })
    });
    jest.spyOn(HTMLInputElement.prototype, 'click').mockImplementation(function (
      this: HTMLInputElement
    ) {
      Object.defineProperty(this, 'files', { value: [file] });
      this.dispatchEvent(new Event('change'));
    });
    await registry.execute(CommandIDs.upload);
    while (asked(kernel).length < 2) {
      await settled();
    }
    const begin = { step: 'begin', path: 'x.txt', size: 0, force: false };
    expect(asked(kernel)).toEqual([
      ['upload', begin],
      ['upload', { step: 'end', upload: 'U' }]
    ]);
  });

  it('copy a link that is shown nowhere', async () => {
    const writeText = jest.fn(() => Promise.resolve());
    Object.assign(navigator.clipboard, { writeText });
    const { registry } = ready({ link: () => ({ url: 'https://host/secret' }) });
    const done = registry.execute(CommandIDs.copyLink);
    await answer('Copy');
    await done;
    expect(writeText).toHaveBeenCalledWith('https://host/secret');
    expect(Notification.manager.notifications[0].message).toBe('The link is copied.');
  });

  it('copy with another click where the browser wants one', async () => {
    let allowed = false;
    Object.assign(document, { execCommand: () => allowed });
    Object.assign(navigator.clipboard, { writeText: undefined });
    const { registry } = ready();
    const done = registry.execute(CommandIDs.copyId);
    expect((await dialog()).textContent).toContain('right after a click');
    expect(Notification.manager.notifications).toEqual([]);
    allowed = true;
    await answer('Copy');
    await done;
    expect(Notification.manager.notifications[0].message).toBe('The session id is copied.');
  });

  it('show what a session can do as text', async () => {
    const told = { stream: true, pty: 'False', note: '<img src=x onerror=alert(1)>' };
    const { registry } = ready({ capabilities: () => told });
    const done = registry.execute(CommandIDs.capabilities);
    const body = (await dialog()).querySelector('.agentbay-Facts')!;
    expect(body.textContent).toBe('streamyesptynonote<img src=x onerror=alert(1)>');
    expect(body.querySelector('img')).toBeNull();
    await answer('Ok');
    await done;
  });
});

describe('the indicators', () => {
  function inStatusBar(registry: CommandRegistry, app: JupyterFrontEnd) {
    const execute = jest.fn();
    const sessions = new FakeSessions();
    const bar = { registerStatusItem: jest.fn<unknown, [string, IStatusBar.IItem]>() };
    activate(status, app, sessions, bar);
    const [, options] = bar.registerStatusItem.mock.calls[0];
    const button = options.item.node.querySelector('button')!;
    const addPanel = () => registry.addCommand(CommandIDs.showPanel, { execute });
    return { ...options, sessions, execute, button, addPanel };
  }

  it('tell state and time left in the status bar, and open the panel', () => {
    const { app, registry } = front();
    const { sessions, execute, button, addPanel } = inStatusBar(registry, app);
    addPanel();
    const end = Date.now() / 1000 + 3000;
    sessions.show(connected({}, { ...READY, idle_ends_at: end, life_ends_at: null }).model);
    expect(button.textContent).toMatch(/^AgentBay: ready, (49|50) min left$/);
    button.click();
    expect(execute).toHaveBeenCalled();
  });

  it('leave it to the status bar whether they are shown, and then say nothing', () => {
    const { app, registry } = front();
    const bar = inStatusBar(registry, app);
    const heard = jest.fn();
    bar.activeStateChanged!.connect(() => void heard(bar.isActive!()));
    expect(bar.isActive!()).toBe(false);
    bar.sessions.show(connected().model);
    expect(bar.button.textContent).toMatch(/ready/);
    // A bar that is too narrow has hidden it.
    bar.item.hide();
    bar.sessions.changed.emit();
    expect(bar.item.isHidden).toBe(true);
    bar.sessions.show(null);
    expect(heard.mock.calls).toEqual([[true], [true], [false]]);
    expect(bar.button.textContent).toBe('');
    expect(bar.button.hasAttribute('aria-label')).toBe(false);
  });

  it('promise no panel where its plugin is disabled', async () => {
    const { app, registry } = front();
    const { sessions, button } = inStatusBar(registry, app);
    sessions.show(connected().model);
    expect(button.getAttribute('aria-label')).not.toMatch(/panel/);
    const rejected = jest.spyOn(registry, 'execute');
    button.click();
    await settled();
    expect(rejected).not.toHaveBeenCalled();
  });

  it('follow one notebook in its toolbar', () => {
    const { app } = front();
    const sessions = new FakeSessions();
    const registry = { addFactory: jest.fn() };
    activate(toolbar, app, sessions, registry);
    const [, , make] = registry.addFactory.mock.calls[0] as [
      string,
      string,
      (of: object) => Widget
    ];
    sessions.of = () => sessions.current;
    const chip = make({});
    const { kernel, model } = connected();
    model.changed.connect(() => sessions.changed.emit());
    sessions.show(model);
    kernel.comm.tell({ ...READY, state: 'busy' });
    expect(chip.node.textContent).toBe('busy');
    expect(chip.node.querySelector('button')!.getAttribute('aria-label')).toMatch(/busy/);
    chip.dispose();
    expect(() => kernel.comm.tell(READY)).not.toThrow();
  });
});
