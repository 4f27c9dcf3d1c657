import type { JSONValue } from '@lumino/coreutils';
import { RequestError, SessionModel } from '../src/model';
import { connected, FakeError, FakeKernel, READY } from './fakes';

describe('SessionModel', () => {
  it('opens the comm with its version when the kernel is there', () => {
    const kernel = new FakeKernel();
    kernel.status = 'starting';
    const model = new SessionModel(kernel);
    expect(kernel.comms).toEqual([]);
    kernel.turn('idle');
    expect(kernel.targets).toEqual(['agentbay']);
    expect(kernel.comm.opened).toEqual([{ version: 1 }]);
    expect(model.contact).toBe('waiting');
  });

  it('knows what the kernel tells, and says that it changed', () => {
    const { kernel, model } = connected();
    const heard = jest.fn();
    model.changed.connect(heard);
    kernel.comm.tell({ ...READY, state: 'busy', running_since: 5 });
    expect(heard).toHaveBeenCalledTimes(1);
    expect(model.contact).toBe('open');
    expect(model.state).toMatchObject({ phase: 'busy', sessionId: 's-1', runningSince: 5 });
  });

  it('reads a state of nonsense as none', () => {
    const { model } = connected({}, { state: 'exploded', idle_ends_at: 'soon', image: 7 });
    expect(model.state).toMatchObject({ phase: 'none', idleEndsAt: null, image: '' });
  });

  it('leads each reply to its request', async () => {
    const { kernel, model } = connected();
    const first = model.request('start');
    const second = model.request('link', { port: 30100 });
    expect(kernel.comm.requests).toEqual([
      { type: 'request', id: 1, action: 'start', args: {} },
      { type: 'request', id: 2, action: 'link', args: { port: 30100 } }
    ]);
    kernel.comm.reply(2, 'two');
    kernel.comm.reply(1, 'one');
    expect(await Promise.all([first, second])).toEqual(['one', 'two']);
  });

  it('refuses with the words of the kernel', async () => {
    const error = { message: 'No.', next_step: 'Ask again', request_id: 'R1' };
    const { model } = connected({ start: () => new FakeError(error) });
    const failed: unknown = await model.request('start').catch((reason: unknown) => reason);
    expect(failed).toBeInstanceOf(RequestError);
    expect((failed as RequestError).failure).toEqual({
      kind: '',
      message: 'No.',
      nextStep: 'Ask again',
      requestId: 'R1'
    });
  });

  it('is asked for nothing before the kernel has told its version', async () => {
    const kernel = new FakeKernel();
    const model = new SessionModel(kernel);
    await expect(model.request('start')).rejects.toBeInstanceOf(RequestError);
    expect(kernel.comm.requests).toEqual([]);
  });

  it('does nothing with a kernel of another version but show what it says', async () => {
    const kernel = new FakeKernel();
    const model = new SessionModel(kernel);
    kernel.comm.tell({ message: 'Install the same.' }, 2);
    expect(model.contact).toBe('other-version');
    expect(model.state?.message).toBe('Install the same.');
    await expect(model.request('panel')).rejects.toBeInstanceOf(RequestError);
  });

  it('opens a new comm after a restart, and ends what was under way', async () => {
    const { kernel, model } = connected();
    const asked = model.request('start');
    kernel.turn('restarting');
    await expect(asked).rejects.toBeInstanceOf(RequestError);
    expect(model.state).toBeNull();
    kernel.turn('starting');
    kernel.turn('idle');
    expect(kernel.comms).toHaveLength(2);
    kernel.comm.tell(READY);
    expect(model.contact).toBe('open');
  });

  it('does not open a second comm when the kernel is busy and idle again', () => {
    const { kernel } = connected();
    kernel.turn('busy');
    kernel.turn('idle');
    expect(kernel.comms).toHaveLength(1);
  });

  it('asks anew when a lost connection is back, before the kernel has told anything', async () => {
    const { kernel, model } = connected();
    const asked = model.request('start');
    const heard = jest.fn();
    model.changed.connect(heard);
    kernel.connection('connecting');
    await expect(asked).rejects.toBeInstanceOf(RequestError);
    expect(model.contact).toBe('waiting');
    expect(heard).toHaveBeenCalledTimes(1);
    kernel.connection('connected');
    expect(kernel.status).toBe('unknown');
    expect(kernel.comms).toHaveLength(2);
    expect(kernel.comms[0].isClosed).toBe(true);
    expect(model.generation).toBe(2);
    kernel.comm.tell(READY);
    expect(model.contact).toBe('open');
  });

  it('is asked for nothing while the connection is down', async () => {
    const { kernel, model } = connected();
    kernel.connection('disconnected');
    await expect(model.request('start')).rejects.toBeInstanceOf(RequestError);
    expect(kernel.comms).toHaveLength(1);
  });

  it('meets a kernel that is busy with a cell and tells nothing', () => {
    const kernel = new FakeKernel();
    kernel.connection('connecting');
    const model = new SessionModel(kernel);
    expect(kernel.comms).toEqual([]);
    kernel.connection('connected');
    kernel.comm.tell({ ...READY, state: 'busy' });
    expect(model.state?.phase).toBe('busy');
  });

  it('opens a new comm when somebody else restarts the kernel', async () => {
    const { kernel, model } = connected();
    const asked = model.request('start');
    kernel.process = 'second';
    kernel.tell('starting');
    await expect(asked).rejects.toBeInstanceOf(RequestError);
    kernel.tell('idle');
    expect(kernel.comms).toHaveLength(2);
    kernel.comm.tell(READY);
    expect(model.contact).toBe('open');
  });

  it('knows another process of the kernel by any word of it', async () => {
    const { kernel, model } = connected();
    kernel.tell('busy');
    const asked = model.request('start');
    kernel.process = 'second';
    kernel.tell('idle');
    await expect(asked).rejects.toBeInstanceOf(RequestError);
    expect(kernel.comms).toHaveLength(2);
    // The new process knows nothing of the old comm.
    expect(kernel.comms[0]).toMatchObject({ isDisposed: true, isClosed: false });
    kernel.comm.tell(READY);
    kernel.tell('busy');
    kernel.tell('idle');
    expect(kernel.comms).toHaveLength(2);
    expect(model.contact).toBe('open');
  });

  it('does not take a status of the server for one of another process', () => {
    const { kernel } = connected();
    kernel.tell('idle');
    const content = { execution_state: 'restarting' };
    const header = { msg_type: 'status', session: 'server' };
    kernel.iopubMessage.emit({ header, content } as never);
    kernel.tell('busy');
    expect(kernel.comms).toHaveLength(1);
  });

  it('opens another comm when the kernel’s first word is lost, and not for ever', () => {
    jest.useFakeTimers();
    const kernel = new FakeKernel();
    const model = new SessionModel(kernel);
    jest.advanceTimersByTime(10_000);
    expect(kernel.comms).toHaveLength(2);
    expect(kernel.comms[0].isClosed).toBe(true);
    jest.advanceTimersByTime(100_000);
    expect(kernel.comms).toHaveLength(3);
    kernel.comm.tell(READY);
    expect(model.contact).toBe('open');
    jest.advanceTimersByTime(100_000);
    expect(kernel.comms).toHaveLength(3);
    jest.useRealTimers();
  });

  it('opens a comm that the kernel closed again, but once only', async () => {
    const { kernel, model } = connected();
    const asked = model.request('start');
    kernel.comm.shut();
    await expect(asked).rejects.toBeInstanceOf(RequestError);
    expect(kernel.comms).toHaveLength(2);
    kernel.comm.tell(READY);
    expect(model.contact).toBe('open');
    kernel.comm.shut();
    expect(kernel.comms).toHaveLength(2);
    expect(model.contact).toBe('closed');
    model.retry();
    expect(kernel.comms).toHaveLength(3);
    kernel.comm.tell(READY);
    expect(model.contact).toBe('open');
  });

  it('refuses what a comm no longer takes', async () => {
    const { kernel, model } = connected();
    jest.spyOn(kernel.comm, 'send').mockImplementation(() => {
      throw new Error('Cannot send');
    });
    await expect(model.request('start')).rejects.toBeInstanceOf(RequestError);
  });

  it('tells of a kernel that knows no such comm, and leaves it alone', () => {
    const kernel = new FakeKernel();
    const model = new SessionModel(kernel);
    void kernel.comm.onClose({} as never);
    kernel.turn('busy');
    expect(model.contact).toBe('closed');
    expect(kernel.comms).toHaveLength(1);
  });

  it('listens to no comm of before', () => {
    const { kernel, model } = connected();
    const [old] = kernel.comms;
    kernel.turn('restarting');
    kernel.turn('idle');
    old.tell({ ...READY, state: 'ended' });
    expect(model.state).toBeNull();
  });

  it('drops what is no message', () => {
    const { kernel, model } = connected();
    const command = { type: 'command', command: 'rm' };
    const others: JSONValue[] = [null, 3, [], command, { type: 'reply' }];
    for (const nonsense of others) {
      kernel.comm.say(nonsense);
    }
    expect(model.state?.phase).toBe('ready');
  });

  it('closes its comm when it is disposed', async () => {
    const { kernel, model } = connected();
    const asked = model.request('start');
    model.dispose();
    await expect(asked).rejects.toBeInstanceOf(RequestError);
    expect(kernel.comm.isDisposed).toBe(true);
    kernel.turn('restarting');
    kernel.turn('idle');
    expect(kernel.comms).toHaveLength(1);
  });
});
