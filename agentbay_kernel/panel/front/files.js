// The session's files: a folder to walk, files to send, fetch and look into.

function files(p) {
  const { words, ui } = p;
  const section = p.get('files');
  if (section.entries === null) {
    return [nothing(p, section)];
  }
  return [
    h(
      'div',
      {
        class: `abk-drop ${ui.dragging ? 'abk-over' : ''}`,
        key: 'drop',
        'data-agentbay-drop': section.path,
        ondragover: event => p.drag(event, true),
        ondragleave: event => p.drag(event, false),
        ondrop: event => p.drop(event)
      },
      h(
        'div',
        { class: 'abk-row abk-between' },
        crumbs(p, section.path),
        h(
          'div',
          { class: 'abk-row abk-tight' },
          button(words.refresh_files, () => p.refresh('files'), { picture: 'refresh' }),
          button(words.send_files, () => p.chooseFiles(), { picture: 'up', focus: 'send' })
        )
      ),
      section.entries.length
        ? h(
            'ul',
            { class: 'abk-files', 'aria-label': words.files },
            section.entries.map(entry => fileRow(p, entry))
          )
        : h('p', { class: 'abk-quiet' }, words.empty_folder),
      section.more ? h('p', { class: 'abk-quiet' }, fill(words.more, { n: section.more })) : null,
      h('p', { class: 'abk-quiet' }, words.drop_here)
    ),
    Object.entries({ ...ui.copies, ...section.doing }).map(([key, copy]) => copyRow(words, key, copy)),
    ui.replace.length ? replaceQuestion(p) : null,
    ui.preview ? preview(p) : null,
    p.failed('files', section)
  ];
}

function crumbs(p, path) {
  const parts = path.split('/').filter(Boolean);
  const at = parts.map((name, i) => [name, `/${parts.slice(0, i + 1).join('/')}`]);
  const all = [['/', '/'], ...at];
  return h(
    'nav',
    { class: 'abk-crumbs', 'aria-label': p.words.folder },
    all.map(([name, target], i) => [
      i > 1 ? h('span', { 'aria-hidden': 'true' }, '/') : null,
      h(
        'button',
        {
          type: 'button',
          class: 'abk-plain',
          key: target,
          'aria-current': i === all.length - 1 ? 'page' : null,
          onclick: () => p.act('files', 'browse', { path: target })
        },
        name
      )
    ])
  );
}

function fileRow(p, entry) {
  const { words } = p;
  const enter = () => p.act('files', 'browse', { path: entry.path });
  const look = () => p.look(entry);
  return h(
    'li',
    { key: entry.path, class: 'abk-file' },
    h(
      'button',
      {
        type: 'button',
        class: 'abk-plain abk-cut',
        title: entry.name,
        'data-focus': `file ${entry.path}`,
        'aria-label': entry.is_dir ? fill(words.open_folder, entry) : fill(words.look_into, entry),
        onclick: entry.is_dir ? enter : look
      },
      icon(entry.is_dir ? 'folder' : 'file'),
      h('span', { class: 'abk-cut' }, entry.name)
    ),
    h('span', { class: 'abk-quiet abk-time abk-wide' }, moment(entry.modified)),
    h('span', { class: 'abk-quiet abk-time' }, bytes(entry.size)),
    entry.is_dir
      ? h('span', { class: 'abk-small' })
      : button(fill(words.download_file, entry), () => p.download(entry), { picture: 'down' })
  );
}

function copyRow(words, key, copy) {
  const part = copy.total ? copy.done / copy.total : undefined;
  const text = fill(words.copied, { done: bytes(copy.done), total: bytes(copy.total) });
  return h(
    'div',
    { class: 'abk-doing', key: `copy ${key}` },
    bar(copy.name, part),
    h('span', { class: 'abk-cut' }, copy.name),
    h('span', { class: 'abk-quiet abk-time' }, text)
  );
}

function replaceQuestion(p) {
  const { words, ui } = p;
  const text = fill(words.replace_file, { name: ui.replace[0].file.name });
  const go = () => p.answerReplace(true);
  const stop = () => p.answerReplace(false);
  return question(words, text, words.replace, go, stop, { key: 'replace', focus: 'keep' });
}

function preview(p) {
  const { words } = p;
  const { name, size, kind, text, clipped, url } = p.ui.preview;
  const close = () => p.closePreview();
  const body =
    kind === 'text'
      ? h('pre', { tabindex: '0', 'aria-label': name }, clipped ? `${text}\n…` : text)
      : kind === 'picture'
        ? h('img', { src: url, alt: name })
        : h('p', { class: 'abk-quiet' }, kind === 'large' ? words.too_large : words.no_preview);
  return h(
    'div',
    { class: 'abk-preview', key: 'preview', role: 'group', 'aria-label': words.preview },
    h(
      'div',
      { class: 'abk-row abk-between' },
      h('strong', { class: 'abk-cut' }, name),
      h(
        'div',
        { class: 'abk-row abk-tight' },
        h('span', { class: 'abk-quiet abk-time' }, bytes(size)),
        button(words.close, close, { picture: 'close', focus: 'preview' })
      )
    ),
    body
  );
}
