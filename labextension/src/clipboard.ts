/**
 * Copies a text for other programs.
 */

/** Whether the text is copied now; a browser may want a click or a key just before. */
export async function copyText(text: string): Promise<boolean> {
  // A page without a secure connection has no clipboard, whatever the types say.
  const clipboard = navigator.clipboard as Partial<Clipboard> | undefined;
  try {
    if (clipboard?.writeText !== undefined) {
      await clipboard.writeText(text);
      return true;
    }
  } catch {
    // The older way may be allowed.
  }
  return copySelected(text);
}

function copySelected(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement('textarea');
  area.className = 'agentbay-Copied';
  area.value = text;
  document.body.append(area);
  area.select();
  try {
    // There is no other way without a clipboard.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    area.remove();
    if (focused instanceof HTMLElement) {
      focused.focus();
    }
  }
}
