import { copyText } from '../src/clipboard';

describe('a text that is copied', () => {
  const copy = jest.fn();

  beforeEach(() => {
    copy.mockReset().mockReturnValue(true);
    Object.assign(document, { execCommand: copy });
    Object.assign(navigator.clipboard, { writeText: undefined });
    document.body.replaceChildren();
  });

  function writes(done: () => Promise<void>) {
    const writeText = jest.fn(done);
    Object.assign(navigator.clipboard, { writeText });
    return writeText;
  }

  it('goes to the clipboard', async () => {
    const writeText = writes(() => Promise.resolve());
    expect(await copyText('secret')).toBe(true);
    expect(writeText).toHaveBeenCalledWith('secret');
    expect(copy).not.toHaveBeenCalled();
  });

  it('is selected and copied where that is forbidden or missing, and is not left behind', async () => {
    const selected: string[] = [];
    copy.mockImplementation(() => {
      selected.push(document.querySelector('textarea')!.value);
      return true;
    });
    expect(await copyText('one')).toBe(true);
    writes(() => Promise.reject(new Error('NotAllowedError')));
    expect(await copyText('two')).toBe(true);
    expect(selected).toEqual(['one', 'two']);
    expect(document.querySelector('textarea')).toBeNull();
  });

  it('is not there where both fail, which is said, and the focus stays', async () => {
    const button = document.createElement('button');
    document.body.append(button);
    button.focus();
    copy.mockReturnValue(false);
    expect(await copyText('one')).toBe(false);
    copy.mockImplementation(() => {
      throw new Error('no');
    });
    expect(await copyText('one')).toBe(false);
    expect(document.activeElement).toBe(button);
    expect(document.querySelector('textarea')).toBeNull();
  });
});
