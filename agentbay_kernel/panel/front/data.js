// Labels, contexts and meters of the session.

function labels(p) {
  const { words, ui } = p;
  const section = p.get('labels');
  if (section.labels === null) {
    return [nothing(p, section)];
  }
  const chips = Object.entries(section.labels)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => chip(p, key, value));
  const add = () => p.edit({ old: '', key: '', value: '' });
  return [
    h(
      'ul',
      { class: 'abk-chips', key: 'chips', 'aria-label': words.labels },
      chips,
      ui.label && ui.label.old === ''
        ? h('li', { key: ' form', class: 'abk-whole' }, labelForm(p))
        : h('li', { key: ' add' }, button(words.add_label, add, { kind: 'abk-chip', focus: 'add' }))
    ),
    p.failed('labels', section)
  ];
}

function chip(p, key, value) {
  const { words, ui } = p;
  if (ui.label && ui.label.old === key) {
    return h('li', { key, class: 'abk-whole' }, labelForm(p));
  }
  const remove = () => p.act('labels', 'remove_label', { key }, words.label_removed);
  const name = fill(words.edit_label, { label: `${key}=${value}` });
  return h(
    'li',
    { key, class: 'abk-chip' },
    h(
      'button',
      {
        type: 'button',
        class: 'abk-chip-text',
        'aria-label': name,
        title: `${key}=${value}`,
        'data-focus': `label ${key}`,
        onclick: () => p.edit({ old: key, key, value })
      },
      key,
      h('span', { class: 'abk-equals', 'aria-hidden': 'true' }, '='),
      h('strong', null, value)
    ),
    button(fill(words.remove_label, { label: key }), remove, { picture: 'close' })
  );
}

function labelForm(p) {
  const { words } = p;
  const draft = p.ui.label;
  const write = name => text => {
    draft[name] = text;
    p.draw();
  };
  return form(
    words.label,
    () => p.saveLabel(),
    () => p.edit(null),
    'label-form',
    input(words.key, draft.key, write('key'), { 'data-focus': 'key' }),
    input(words.value, draft.value, write('value'), { 'data-focus': 'value' }),
    button(words.save, null, { type: 'submit', kind: 'abk-main', disabled: p.busy('set_label') }),
    button(words.cancel, () => p.edit(null))
  );
}

function contexts(p) {
  const { words, ui } = p;
  const section = p.get('contexts');
  if (section.rows === null) {
    return [nothing(p, section)];
  }
  const rows = section.rows.map(row => contextRow(p, row, section));
  const mounting = Object.entries(section.doing).filter(([, step]) => step.what === 'mount');
  return [
    rows.length
      ? h('ul', { class: 'abk-list', key: 'rows', 'aria-label': words.contexts }, rows)
      : h('p', { class: 'abk-quiet', key: 'none' }, words.no_contexts),
    mounting.map(([path, step]) => progressOf(p, path, step)),
    ui.mount ? mountForm(p) : h(
      'div',
      { class: 'abk-row', key: 'mount' },
      button(words.mount_dots, () => p.mountForm(), { focus: 'mount' })
    ),
    p.failed('contexts', section)
  ];
}

function contextRow(p, row, section) {
  const { words, ui } = p;
  const step = section.doing[row.path];
  const sync = direction => p.act('', 'sync', { path: row.path, direction, yes: true });
  const down = () => {
    p.unask();
    sync('download');
  };
  return h(
    'li',
    { key: row.path, class: 'abk-item' },
    h(
      'div',
      { class: 'abk-row abk-between' },
      h(
        'div',
        { class: 'abk-cut', title: `${row.name} ${row.path}` },
        h('strong', null, row.name),
        ' ',
        h('code', { class: 'abk-code abk-quiet' }, row.path)
      ),
      h(
        'div',
        { class: 'abk-row abk-tight' },
        button(words.sync_now, () => sync('upload'), {
          disabled: Boolean(step),
          'aria-label': fill(words.sync_name, { name: row.name })
        }),
        button(fill(words.again_name, { name: row.name }), () => p.question(`down ${row.path}`), {
          picture: 'down',
          disabled: Boolean(step),
          focus: `down ${row.path}`
        })
      )
    ),
    h('p', { class: 'abk-transfers' }, transfer(p, row, 'upload'), transfer(p, row, 'download')),
    row.auto ? null : h('p', { class: 'abk-quiet' }, words.manual),
    step ? progressOf(p, row.path, step) : null,
    ui.question === `down ${row.path}`
      ? question(words, fill(words.down_loses, row), words.download, down, () => p.unask())
      : null,
    failure(words, section.failed?.[row.path])
  );
}

function transfer(p, row, direction) {
  const { words } = p;
  const last = row[direction];
  const arrow = direction === 'upload' ? '↑' : '↓';
  if (!last) {
    return h('span', { class: 'abk-quiet' }, `${arrow} ${words[`never_${direction}`]}`);
  }
  const known = { Success: 'ok', Failed: 'bad' }[last.status] || 'doing';
  const word = words[`${direction}_${known}`];
  const text = `${arrow} ${word} ${moment(last.finished || last.started)}`;
  return [
    h('span', { class: `abk-${known}` }, text),
    last.error ? h('span', { class: 'abk-bad' }, last.error) : null
  ];
}

function progressOf(p, path, step) {
  const seconds = span(p.words, now() - step.since);
  const text = step.step || fill(p.words.doing, { path });
  return h(
    'div',
    { class: 'abk-doing', key: `doing ${path}` },
    bar(text),
    h('span', { class: 'abk-quiet abk-cut', role: 'status' }, text),
    h('span', { class: 'abk-quiet abk-time' }, seconds)
  );
}

function mountForm(p) {
  const { words } = p;
  const draft = p.ui.mount;
  const write = name => text => {
    draft[name] = text;
    p.draw();
  };
  const path = `/mnt/${draft.name || words.name_word}`;
  return form(
    words.mount,
    () => p.mount(),
    () => p.mountForm(false),
    'mount-form',
    input(words.context_name, draft.name, write('name'), {
      list: `${p.id}-context-names`,
      'data-focus': 'context'
    }),
    h(
      'datalist',
      { id: `${p.id}-context-names` },
      draft.names.map(name => h('option', { value: name }))
    ),
    input(words.path, draft.path, write('path'), { placeholder: path }),
    button(words.mount, null, { type: 'submit', kind: 'abk-main', disabled: p.busy('mount') }),
    button(words.cancel, () => p.mountForm(false))
  );
}

function meters(p) {
  const { words } = p;
  const section = p.get('meters');
  if (section.meters === null) {
    return [nothing(p, section)];
  }
  const shown = ['cpu', 'memory', 'disk'].filter(name => section.meters[name]);
  return [
    h(
      'dl',
      { class: 'abk-meters', key: 'meters' },
      shown.map(name => meter(words, name, section.meters[name]))
    ),
    failure(words, section.error)
  ];
}

function meter(words, name, found) {
  const used =
    name === 'cpu'
      ? fill(words.cores, { n: found.total })
      : `${bytes(found.used)} / ${bytes(found.total)}`;
  return h(
    'div',
    { key: name, class: name !== 'cpu' && found.part > 0.9 ? 'abk-full' : '' },
    h('dt', null, words[name]),
    h(
      'dd',
      null,
      h('span', { class: 'abk-figure' }, percent(found.part)),
      spark(found.history),
      h('span', { class: 'abk-quiet abk-time' }, used)
    )
  );
}

function nothing(p, section) {
  if (section.error) {
    return failure(p.words, section.error);
  }
  const asleep = p.get('header').state === 'paused';
  const text = asleep ? p.words.state_paused : p.words.loading;
  return h('p', { class: 'abk-quiet', key: 'nothing' }, text);
}
