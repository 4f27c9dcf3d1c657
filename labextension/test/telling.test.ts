import { Dialog, Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { RequestError } from '../src/model';
import { fitted, tellFailure } from '../src/telling';
import { answer, dialog } from './front';

const trans = nullTranslator.load('agentbay_kernel');

afterEach(() => {
  Dialog.flush();
  Notification.dismiss();
});

describe('what is told', () => {
  it('is a notification where it is short', () => {
    expect(fitted('It is done.', 'Title', trans)).toEqual({ message: 'It is done.', actions: [] });
  });

  it.each([
    [`It failed at v1.2. ${'x'.repeat(200)}`, 'It failed at v1.2.'],
    [`Refused\n${'x '.repeat(200)}`, 'Refused'],
    ['y'.repeat(200), `${'y'.repeat(139)}…`]
  ])('is its first sentence where it is long', (text, message) => {
    const told = fitted(text, 'Title', trans);
    expect(told.message).toBe(message);
    expect(told.actions.map(({ label }) => label)).toEqual(['Details']);
  });

  it('is told whole on demand', async () => {
    const message = `The session could not be started. ${'It was tried long. '.repeat(8)}`;
    const failure = { kind: '', message, nextStep: 'Wait an hour', requestId: 'R-77' };
    tellFailure(new RequestError(failure), trans);
    const [told] = Notification.manager.notifications;
    expect(told).toMatchObject({ message: 'The session could not be started.', type: 'error' });
    told.options.actions![0].callback(new MouseEvent('click'));
    const shown = await dialog();
    expect(shown.textContent).toContain('Wait an hour');
    expect(shown.textContent).toContain('Request id: R-77');
    await answer('Ok');
  });
});
