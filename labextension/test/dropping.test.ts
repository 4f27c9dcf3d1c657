import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification } from '@jupyterlab/apputils';
import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { CommandIDs } from '../src/ids';
import { files } from '../src/plugins/files';
import { Sender } from '../src/sender';
import { DropZone } from '../src/widgets/dropzone';
import type { Answer } from './fakes';
import { connected, FakeError, FakeSessions } from './fakes';

const trans = nullTranslator.load('agentbay_kernel');
const CONTENTS = 'application/x-jupyter-icontents';
const settled = () => new Promise(resolve => setTimeout(resolve));

/** A server with these files, and folders where the text is null. */
function contents(found: Record<string, string | null>): Contents.IManager {
  jest.spyOn(ServerConnection, 'makeRequest').mockImplementation(url => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(found[url] ?? ''));
        controller.close();
      }
    });
    return Promise.resolve({ ok: true, body } as never);
  });
  return {
    get: (path: string) =>
      Promise.resolve({
        name: path.replace(/^.*\//, ''),
        path,
        type: found[path] === null ? 'directory' : 'file',
        size: found[path]?.length
      }),
    getDownloadUrl: (path: string) => Promise.resolve(path)
  } as unknown as Contents.IManager;
}

function session(refuse: () => FakeError | null = () => null) {
  const sent: string[] = [];
  const upload: Answer = args => {
    if (args.step === 'begin') {
      const refused = args.force === true ? null : refuse();
      if (refused !== null) {
        return refused;
      }
      sent.push(args.path as string);
    }
    return { upload: 'U', path: `/workspace/${sent.at(-1)}` };
  };
  return { ...connected({ upload }), sent };
}

function said(): string[] {
  return Notification.manager.notifications.map(({ message }) => message);
}

afterEach(() => {
  Dialog.flush();
  Notification.dismiss();
});

describe('files that are sent', () => {
  it('come one after the other, and folders are left out', async () => {
    const { model, sent } = session();
    const sender = new Sender(contents({ 'a/x.csv': '1', b: null, 'y.csv': '2' }), trans);
    await sender.sendPaths(model, ['a/x.csv', 'b', 'y.csv']);
    expect(sent).toEqual(['x.csv', 'y.csv']);
    expect(said()).toContain('x.csv is in the session: /workspace/x.csv');
    expect(said()).toContain('Folders are not sent; %fs put does that.');
  });

  it('go into the folder that is named', async () => {
    const { model, sent } = session();
    const sender = new Sender(contents({ 'a/x.csv': '1' }), trans);
    await sender.sendPaths(model, ['a/x.csv'], '/workspace/data');
    await sender.sendPaths(model, ['a/x.csv'], '/');
    expect(sent).toEqual(['/workspace/data/x.csv', '/x.csv']);
  });

  it('cannot be stopped any more when all of a file has come, and say so', async () => {
    const { model, kernel } = session();
    const heard: unknown[] = [];
    const send = kernel.comm.send.bind(kernel.comm);
    jest.spyOn(kernel.comm, 'send').mockImplementation((data, ...others) => {
      const { message, options } = Notification.manager.notifications[0];
      const { step } = (data as { args: { step: string } }).args;
      heard.push([step, message, options.actions?.length]);
      return send(data, ...others);
    });
    await new Sender(contents({ 'x.csv': '1' }), trans).sendPaths(model, ['x.csv']);
    expect(heard).toEqual([
      ['begin', 'Sending x.csv', 1],
      ['chunk', 'Sending x.csv', 1],
      ['end', 'Copying x.csv to the session…', 0]
    ]);
  });

  it('replace nothing without a yes', async () => {
    const exists = () => new FakeError({ kind: 'exists', message: 'It is there already.' });
    const { model, sent } = session(exists);
    const sender = new Sender(contents({ 'x.csv': '1' }), trans);
    const done = sender.sendPaths(model, ['x.csv']);
    let button: HTMLElement | undefined;
    while (button === undefined) {
      await settled();
      button = [...document.querySelectorAll<HTMLElement>('.jp-Dialog-button')].find(
        each => each.textContent === 'Replace'
      );
    }
    expect(sent).toEqual([]);
    button.click();
    await done;
    expect(sent).toEqual(['x.csv']);
  });

  it('tell what the kernel refuses', async () => {
    const { model } = session(() => new FakeError({ message: 'Too large.' }));
    await new Sender(contents({ 'x.csv': '1' }), trans).sendPaths(model, ['x.csv']);
    expect(said()).toEqual(['Too large.']);
  });
});

describe('a drop zone', () => {
  function zone(open = true) {
    const node = document.createElement('div');
    const target = { accepts: () => open, takePaths: jest.fn(), takeFiles: jest.fn() };
    const made = new DropZone(node, target);
    made.attach();
    return { node, target, made };
  }

  function drag(type: string, given: object): Event {
    return Object.assign(new Event(type, { cancelable: true, bubbles: true }), given);
  }

  const mimeData = { getData: (kind: string) => (kind === CONTENTS ? ['a.csv'] : undefined) };

  it('takes files of the file browser', () => {
    const { node, target } = zone();
    const over = drag('lm-dragenter', { mimeData, proposedAction: 'move' });
    node.dispatchEvent(over);
    expect(node.classList).toContain('agentbay-mod-dropTarget');
    expect(over).toMatchObject({ defaultPrevented: true, dropAction: 'move' });
    node.dispatchEvent(drag('lm-drop', { mimeData }));
    expect(target.takePaths).toHaveBeenCalledWith(['a.csv'], '');
    expect(node.classList).not.toContain('agentbay-mod-dropTarget');
  });

  /** A zone with the panel's list of files, in which something stands. */
  function withList() {
    const made = zone();
    const list = document.createElement('div');
    list.dataset.agentbayDrop = '/workspace/data';
    const row = document.createElement('p');
    list.append(row);
    made.node.append(list);
    return { ...made, row };
  }

  it('leaves files of the computer to the list of files, which takes them itself', () => {
    const { node, target, row } = withList();
    const file = new File(['x'], 'x.txt');
    const dataTransfer = { types: ['Files'], files: [file] };
    node.dispatchEvent(drag('dragenter', { dataTransfer }));
    expect(node.classList).toContain('agentbay-mod-dropTarget');
    row.dispatchEvent(drag('dragenter', { dataTransfer }));
    expect(node.classList).not.toContain('agentbay-mod-dropTarget');
    row.dispatchEvent(drag('drop', { dataTransfer }));
    expect(target.takeFiles).not.toHaveBeenCalled();
  });

  it('takes files of the file browser into the folder that the list shows', () => {
    const { target, row } = withList();
    row.dispatchEvent(drag('lm-drop', { mimeData }));
    expect(target.takePaths).toHaveBeenCalledWith(['a.csv'], '/workspace/data');
  });

  it('takes files of the computer', () => {
    const { node, target } = zone();
    const file = new File(['x'], 'x.txt');
    node.dispatchEvent(drag('drop', { dataTransfer: { types: ['Files'], files: [file] } }));
    expect(target.takeFiles).toHaveBeenCalledWith([file]);
  });

  it('leaves what was taken within, and is marked no more', () => {
    const { node, target } = zone();
    const dataTransfer = { types: ['Files'], files: [new File(['x'], 'x.txt')] };
    node.dispatchEvent(drag('dragenter', { dataTransfer }));
    expect(node.classList).toContain('agentbay-mod-dropTarget');
    const dropped = drag('drop', { dataTransfer });
    dropped.preventDefault();
    node.dispatchEvent(dropped);
    expect(target.takeFiles).not.toHaveBeenCalled();
    expect(node.classList).not.toContain('agentbay-mod-dropTarget');
  });

  it('leaves other things alone, and everything where nothing is taken', () => {
    const text = drag('drop', { dataTransfer: { types: ['text/plain'], files: [] } });
    const { node, target } = zone();
    node.dispatchEvent(text);
    expect(text.defaultPrevented).toBe(false);
    const closed = zone(false);
    closed.node.dispatchEvent(drag('lm-drop', { mimeData }));
    expect(target.takeFiles).not.toHaveBeenCalled();
    expect(closed.target.takePaths).not.toHaveBeenCalled();
  });

  it('is marked only while something is over it', () => {
    const { node, made } = zone();
    node.dispatchEvent(drag('lm-dragenter', { mimeData }));
    node.dispatchEvent(drag('lm-dragleave', { mimeData, relatedTarget: document.body }));
    expect(node.classList).not.toContain('agentbay-mod-dropTarget');
    node.dispatchEvent(drag('lm-dragenter', { mimeData }));
    made.detach();
    expect(node.classList).not.toContain('agentbay-mod-dropTarget');
  });
});

describe('the command of the file browser', () => {
  it('sends what is selected, and shows only with a notebook of ours', async () => {
    const { model, sent } = session();
    const commands = new CommandRegistry();
    const app = { commands, serviceManager: { contents: contents({ 'x.csv': '1' }) } };
    const sessions = new FakeSessions();
    const selectedItems = () => [{ path: 'x.csv' }][Symbol.iterator]();
    const browser = { tracker: { currentWidget: { selectedItems } } };
    const services = [sessions, browser, null] as never[];
    void files.activate(app as unknown as JupyterFrontEnd, ...services);
    expect(commands.isVisible(CommandIDs.send)).toBe(false);
    sessions.show(model);
    expect(commands.isVisible(CommandIDs.send)).toBe(true);
    await commands.execute(CommandIDs.send);
    expect(sent).toEqual(['x.csv']);
  });
});
