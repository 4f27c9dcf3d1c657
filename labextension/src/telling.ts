/**
 * Notifications that say all of a text: what is too long for one stands in a dialog.
 */
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { failureText } from './words';

/** Jupyter cuts longer notifications. */
const MOST_CHARACTERS = 140;

/** Of a notification, what depends on its text. */
export interface IFitted {
  readonly message: string;
  readonly actions: Notification.IAction[];
}

/** A text as a notification, with a way to all of it where it is long. */
export function fitted(text: string, title: string, trans: TranslationBundle): IFitted {
  if (text.length <= MOST_CHARACTERS) {
    return { message: text, actions: [] };
  }
  const show = () => void showDialog({ title, body: lines(text), buttons: [Dialog.okButton()] });
  return { message: beginning(text), actions: [{ label: trans.__('Details'), callback: show }] };
}

/** What went wrong as a notification. */
export function fittedFailure(error: unknown, trans: TranslationBundle): IFitted {
  return fitted(failureText(error, trans), trans.__('It did not work'), trans);
}

/** Say what went wrong until the user has seen it. */
export function tellFailure(error: unknown, trans: TranslationBundle): void {
  const { message, actions } = fittedFailure(error, trans);
  Notification.error(message, { actions, autoClose: false });
}

/** The first sentence, or as much of it as a notification takes. */
function beginning(text: string): string {
  const sentence = /^.*?[.!?](?=\s|$)|^.*?[。！？]|^.*/.exec(text)?.[0] ?? '';
  return sentence.length <= MOST_CHARACTERS
    ? sentence
    : `${sentence.slice(0, MOST_CHARACTERS - 1)}…`;
}

function lines(text: string): Widget {
  const node = document.createElement('p');
  node.className = 'agentbay-Details';
  node.textContent = text;
  return new Widget({ node });
}
