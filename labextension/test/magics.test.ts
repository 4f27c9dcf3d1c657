import { bodyOf } from '../src/magics';

describe('the language of a cell', () => {
  it.each([
    ['%%bash', 'shell'],
    ['%%sh', 'shell'],
    ['%%node', 'javascript'],
    ['%%r', 'r'],
    ['%%java  ', 'java'],
    ['%%background bash', 'shell']
  ])('%s is %s', (line, language) => {
    expect(bodyOf(line)).toEqual({ language });
  });

  it.each([
    ['%%fs write x.py', 'x.py'],
    ['%%fs write --force "my notes/a b.md"', 'a b.md'],
    ["%%fs write 'tool.js' -a", 'tool.js'],
    ['%%fs write x.py --mode 644', 'x.py'],
    ['%%writefile src/main.rs', 'main.rs']
  ])('%s is what its file is', (line, fileName) => {
    expect(bodyOf(line)).toEqual({ fileName });
  });

  it.each([
    'print(1)',
    '',
    ' %%bash',
    '%bash',
    '%%bashful',
    '%%local',
    '%%background',
    '%%fs write',
    '%%constructor',
    'x = "%%bash"'
  ])('%s is what other cells are', line => {
    expect(bodyOf(line)).toBeNull();
  });
});
