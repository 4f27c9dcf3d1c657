/**
 * A front end of which the plugins see what they use, and the dialogs that they open.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { CommandRegistry } from '@lumino/commands';
import type { FakeKernel } from './fakes';

/** Let everything happen that is due. */
export const settled = () => new Promise(resolve => setTimeout(resolve));

/** An application without anything of its own. */
export function front() {
  const registry = new CommandRegistry();
  const shell = { add: jest.fn(), activateById: jest.fn() };
  const app = {
    commands: registry,
    shell,
    serviceManager: { contents: {} },
    contextMenuHitTest: jest.fn()
  };
  return { app: app as unknown as JupyterFrontEnd, registry, shell };
}

/** Activate a plugin with these services first, and without the others. */
export function activate(
  plugin: JupyterFrontEndPlugin<void>,
  app: JupyterFrontEnd,
  ...given: unknown[]
) {
  const needed = [...(plugin.requires ?? []), ...(plugin.optional ?? [])].length;
  const services = [...given, ...Array<null>(needed - given.length).fill(null)];
  void plugin.activate(app, ...(services as never[]));
}

/** The requests that a kernel got. */
export function asked(kernel: FakeKernel): unknown[] {
  return kernel.comm.requests.map(({ action, args }) => [action, args]);
}

/** Wait for a dialog. */
export async function dialog(): Promise<HTMLElement> {
  for (;;) {
    await settled();
    const found = document.querySelector<HTMLElement>('.jp-Dialog-button');
    if (found !== null) {
      return found.closest<HTMLElement>('.jp-Dialog')!;
    }
  }
}

/** Answer the dialog by one of its buttons. */
export async function answer(label: string): Promise<void> {
  const buttons = [...(await dialog()).querySelectorAll<HTMLElement>('.jp-Dialog-button')];
  buttons.find(each => each.textContent === label)!.click();
  await settled();
}
