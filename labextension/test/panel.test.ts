import { Widget } from '@lumino/widgets';
import type { SessionModel } from '../src/model';
import { panel } from '../src/plugins/panel';
import type { Answer } from './fakes';
import { connected, FakeError, FakeSessions, READY } from './fakes';
import { activate, asked, front, settled } from './front';

afterEach(() => document.body.replaceChildren());

describe('the panel', () => {
  function shown(answers: Record<string, Answer> = {}) {
    const { app, shell } = front();
    const sessions = new FakeSessions();
    activate(panel, app, sessions);
    const [made] = shell.add.mock.calls[0] as [Widget];
    Widget.attach(made, document.body);
    const { kernel, model } = connected({ panel: () => ({ model_id: 'M1' }), ...answers });
    return { made, sessions, kernel, model };
  }

  /** A notebook whose renderer only says what it renders. */
  function notebook(id = 'notebook', draw = () => Promise.resolve()) {
    const disposed = jest.fn();
    const rendermime = {
      createModel: ({ data }: { data: object }) => data,
      createRenderer: () => {
        const view = new Widget();
        view.disposed.connect(disposed);
        return Object.assign(view, {
          renderModel: (data: object) => {
            view.node.textContent = JSON.stringify(data);
            return draw();
          }
        });
      }
    };
    return { id, content: { rendermime }, title: { label: `${id}.ipynb` }, disposed };
  }

  function show(sessions: FakeSessions, model: SessionModel, shown = notebook()) {
    sessions.front({ notebook: shown as never, model });
    return shown;
  }

  /** What the views that are not hidden draw. */
  function seen(made: Widget): string {
    const views = made.node.querySelectorAll('.agentbay-Docked:not(.lm-mod-hidden)');
    return [...views].map(each => each.textContent).join('');
  }

  it('says so when no notebook of ours is in front', () => {
    const { made } = shown();
    expect(made.node.textContent).toContain('No AgentBay notebook in front');
  });

  it('draws the widget that the kernel names', async () => {
    const { made, sessions, kernel, model } = shown();
    show(sessions, model);
    await settled();
    expect(asked(kernel)).toEqual([['panel', {}]]);
    expect(made.node.textContent).toContain('"model_id":"M1"');
    expect(made.node.textContent).not.toContain('No AgentBay');
  });

  it('keeps the view while it is hidden, and asks for nothing then', async () => {
    const { made, sessions, kernel, model } = shown();
    const { disposed } = show(sessions, model);
    await settled();
    const view = made.node.querySelector('.agentbay-Docked')!;
    view.scrollTop = 40;
    made.hide();
    view.scrollTop = 0;
    kernel.comm.tell({ ...READY, state: 'busy' });
    sessions.changed.emit();
    made.show();
    await settled();
    expect(disposed).not.toHaveBeenCalled();
    expect(asked(kernel)).toHaveLength(1);
    expect(made.node.querySelector('.agentbay-Docked')).toBe(view);
    expect(view.scrollTop).toBe(40);
    expect(seen(made)).toContain('M1');
  });

  it('asks for nothing before it is seen', async () => {
    const { made, sessions, kernel, model } = shown();
    made.hide();
    show(sessions, model);
    await settled();
    expect(asked(kernel)).toEqual([]);
    made.show();
    await settled();
    expect(asked(kernel)).toHaveLength(1);
  });

  it('keeps each notebook’s view while another is in front', async () => {
    const { made, sessions, model } = shown();
    const first = show(sessions, model, notebook('first'));
    await settled();
    const view = made.node.querySelector('.agentbay-Docked');
    const other = connected({ panel: () => ({ model_id: 'M2' }) });
    show(sessions, other.model, notebook('second'));
    await settled();
    expect(seen(made)).toContain('M2');
    expect(seen(made)).not.toContain('M1');
    show(sessions, model, first);
    expect(seen(made)).toContain('M1');
    expect(seen(made)).not.toContain('M2');
    expect(made.node.querySelector('.agentbay-Docked')).toBe(view);
    expect(first.disposed).not.toHaveBeenCalled();
  });

  it('takes out the view of a notebook that is closed, or whose kernel is another', async () => {
    const { made, sessions, model } = shown();
    const first = show(sessions, model);
    await settled();
    sessions.front(null);
    expect(first.disposed).toHaveBeenCalled();
    expect(made.node.querySelector('.agentbay-Docked')).toBeNull();
  });

  it('shows the view again when a lost connection is back', async () => {
    const { made, sessions, kernel, model } = shown();
    model.changed.connect(() => sessions.changed.emit());
    const { disposed } = show(sessions, model);
    await settled();
    kernel.connection('connecting');
    expect(seen(made)).toBe('');
    expect(made.node.textContent).toContain('Waiting for the kernel');
    kernel.connection('connected');
    kernel.comm.tell(READY);
    await settled();
    expect(seen(made)).toContain('M1');
    expect(disposed).not.toHaveBeenCalled();
  });

  it('draws another view when the kernel began anew', async () => {
    let name = 'M1';
    const { made, sessions, kernel, model } = shown({ panel: () => ({ model_id: name }) });
    model.changed.connect(() => sessions.changed.emit());
    const { disposed } = show(sessions, model);
    await settled();
    name = 'M2';
    kernel.turn('restarting');
    kernel.turn('idle');
    kernel.comm.tell(READY);
    await settled();
    expect(disposed).toHaveBeenCalledTimes(1);
    expect(seen(made)).toContain('M2');
    expect(made.node.textContent).not.toContain('M1');
  });

  it('says that a view could not be drawn, and draws another', async () => {
    const { made, sessions, model } = shown();
    let draw = () => Promise.reject(new Error('No such widget.'));
    const { disposed } = show(
      sessions,
      model,
      notebook('notebook', () => draw())
    );
    await settled();
    expect(made.node.textContent).toContain('No such widget.');
    expect(disposed).toHaveBeenCalled();
    expect(made.node.querySelector('.agentbay-Docked')).toBeNull();
    draw = () => Promise.resolve() as Promise<never>;
    made.node.querySelector('button')!.click();
    await settled();
    expect(seen(made)).toContain('M1');
    expect(made.node.textContent).not.toContain('No such widget.');
  });

  it('draws nothing that has no name', async () => {
    const { made, sessions, model } = shown({ panel: () => ({}) });
    show(sessions, model);
    await settled();
    expect(made.node.textContent).toContain('The kernel named no panel.');
    expect(made.node.querySelector('.agentbay-Docked')).toBeNull();
  });

  it('tries again with a kernel that closed the comm', () => {
    const { made, sessions, kernel, model } = shown();
    model.changed.connect(() => sessions.changed.emit());
    show(sessions, model);
    kernel.comm.shut();
    kernel.comm.shut();
    expect(made.node.textContent).toContain('This kernel has no panel');
    made.node.querySelector('button')!.click();
    expect(made.node.textContent).toContain('Waiting for the kernel');
    expect(kernel.comms).toHaveLength(3);
  });

  it('asks once, however often the state changes', async () => {
    const { sessions, kernel, model } = shown();
    show(sessions, model);
    sessions.changed.emit();
    await settled();
    sessions.changed.emit();
    expect(asked(kernel)).toHaveLength(1);
  });

  it('shows the other notebook’s panel, and never a late answer of the one before', async () => {
    const { made, sessions, kernel, model } = shown({ panel: undefined as never });
    show(sessions, model, notebook('first'));
    const other = connected({ panel: () => ({ model_id: 'M2' }) });
    show(sessions, other.model, notebook('second'));
    await settled();
    kernel.comm.reply(1, { model_id: 'M1' });
    await settled();
    expect(seen(made)).toContain('M2');
    expect(seen(made)).not.toContain('M1');
  });

  it('says why there is none, and tries again', async () => {
    let fails = true;
    const found = () => (fails ? new FakeError({ message: 'No widgets.' }) : { model_id: 'M1' });
    const { made, sessions, model } = shown({ panel: found });
    show(sessions, model);
    await settled();
    expect(made.node.textContent).toContain('No widgets.');
    fails = false;
    made.node.querySelector('button')!.click();
    await settled();
    expect(made.node.textContent).toContain('M1');
  });

  it('shows what a kernel of another version says, and asks for nothing', () => {
    const { made, sessions, kernel, model } = shown();
    kernel.comm.tell({ message: 'Install the same.' }, 2);
    show(sessions, model);
    expect(made.node.textContent).toContain('Install the same.');
    expect(asked(kernel)).toEqual([]);
  });

  it('waits for a kernel that restarts', async () => {
    const { made, sessions, kernel, model } = shown();
    show(sessions, model);
    await settled();
    kernel.turn('restarting');
    sessions.changed.emit();
    expect(made.node.textContent).toContain('Waiting for the kernel');
  });
});
