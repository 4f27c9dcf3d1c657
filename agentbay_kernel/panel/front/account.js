// The account's sessions, and what kernels left behind.

function account(p) {
  const { words, ui } = p;
  const section = p.get('account');
  const draft = ui.sessions;
  const write = text => {
    draft.filter = text;
    p.draw();
  };
  const turn = event => {
    draft.leftovers = event.target.checked;
    p.showSessions('');
  };
  return [
    form(
      words.search,
      () => p.showSessions(''),
      null,
      'filter',
      input(words.filter, draft.filter, write, { disabled: draft.leftovers }),
      button(words.search, null, { type: 'submit', disabled: draft.leftovers }),
      h(
        'label',
        { class: 'abk-check' },
        h('input', { type: 'checkbox', checked: draft.leftovers, onchange: turn }),
        words.leftovers
      ),
      button(words.refresh_sessions, () => p.refresh('sessions'), { picture: 'refresh' })
    ),
    section.rows === null
      ? section.error
        ? null
        : h('p', { class: 'abk-quiet', key: 'loading' }, words.loading)
      : sessionRows(p, section),
    p.failed('sessions', section)
  ];
}

function sessionRows(p, section) {
  const { words, ui } = p;
  if (section.rows.length === 0) {
    const text = section.leftovers ? words.no_leftovers : words.no_sessions;
    return h('p', { class: 'abk-quiet', key: 'none' }, text);
  }
  const page = section.tokens.length;
  // The pages are those of the filter that was sent.
  const other = ['filter', 'leftovers'].some(name => ui.sessions[name] !== section[name]);
  return [
    h(
      'ul',
      { class: 'abk-list', key: 'sessions', 'aria-label': words.sessions },
      section.rows.map(row => sessionRow(p, row))
    ),
    page || section.next
      ? h(
          'div',
          { class: 'abk-row', key: 'pages' },
          button(words.back, () => p.showSessions('back'), { disabled: other || page === 0 }),
          h('span', { class: 'abk-quiet' }, fill(words.page, { n: page + 1 })),
          button(words.next, () => p.showSessions('next'), { disabled: other || !section.next })
        )
      : null
  ];
}

function sessionRow(p, row) {
  const { words } = p;
  const id = row.session_id;
  const attach = () => p.act('sessions', 'attach', { session_id: id }, words.attached);
  const status = row.status.toLowerCase();
  const parts = [words[`status_${status}`] || status, row.image, row.name, row.left];
  const about = parts.filter(Boolean).join(' · ');
  return h(
    'li',
    { key: id, class: 'abk-item' },
    h(
      'div',
      { class: 'abk-row abk-between' },
      h(
        'div',
        { class: 'abk-cut' },
        h('code', { class: 'abk-code', title: id }, id),
        h(
          'p',
          { class: 'abk-quiet abk-cut', title: about },
          about
        )
      ),
      h(
        'div',
        { class: 'abk-row abk-tight' },
        row.current
          ? h('span', { class: 'abk-badge', key: 'badge' }, words.this_one)
          : button(words.attach, attach, {
              'aria-label': fill(words.attach_id, { id }),
              disabled: p.busy('attach'),
              key: 'attach'
            }),
        button(fill(words.delete_id, { id }), () => p.question(`delete ${id}`), {
          picture: 'bin',
          focus: `delete ${id}`,
          key: 'delete'
        })
      )
    ),
    p.ui.question === `delete ${id}` ? deleteQuestion(p, row) : null
  );
}

// A leftover is ended as it is; all others upload their contexts first.
function deleteQuestion(p, row) {
  const { words } = p;
  const left = Boolean(row.left);
  const text = row.current ? words.delete_loses : left ? words.delete_left : words.delete_other;
  const args = { session_id: row.session_id, leftover: left, sync: !left };
  const remove = () => p.answer('sessions', 'delete', args, words.deleted);
  const verb = left ? words.delete_only : words.delete;
  return question(words, fill(text, { id: row.session_id }), verb, remove, () => p.unask());
}
