/**
 * A control of a form and what it is called.
 */

/** The label, with the control in it. */
export function labelled(text: string, control: HTMLElement): HTMLElement {
  const label = document.createElement('label');
  const caption = document.createElement('span');
  caption.textContent = text;
  label.append(caption, control);
  return label;
}
