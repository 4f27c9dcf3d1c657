// The head of the panel: where the code runs, how long yet, and what may be done with it.

const DETAILS = [
  'engine',
  'isolation',
  'can',
  'cannot',
  'bridge',
  'control channel',
  'after the restart',
  'sessions'
];

function header(p) {
  const { words } = p;
  const state = p.get('header');
  const alive = Boolean(state.session_id);
  const message = words[`message_${state.message_key}`] || state.message;
  return h(
    'div',
    { class: 'abk-head', key: 'header', 'data-section': 'header' },
    h(
      'div',
      { class: 'abk-row abk-between' },
      h(
        'p',
        { class: 'abk-state', 'data-state': state.state },
        h('span', { class: 'abk-dot', 'aria-hidden': 'true' }),
        h('strong', null, words[`state_${state.state}`]),
        state.running_since
          ? h('span', { class: 'abk-quiet abk-time' }, span(words, now() - state.running_since))
          : null
      ),
      h(
        'div',
        { class: 'abk-row' },
        h(
          'p',
          {
            class: 'abk-quiet abk-cut',
            title: `${words.notebook}: ${state.notebook}`,
            hidden: Boolean(p.ui.note)
          },
          state.notebook
        ),
        h('p', { class: 'abk-cut', role: 'status', 'aria-live': 'polite' }, p.ui.note),
        button(words.details, () => p.details(), {
          picture: 'more',
          'aria-expanded': String(Boolean(p.ui.capabilities))
        })
      )
    ),
    message ? h('p', { class: 'abk-message', key: 'message' }, message) : null,
    facts(p, state, alive),
    alive ? times(p, state) : null,
    state.state === 'none' && !message
      ? h('p', { class: 'abk-quiet', key: 'none' }, words.no_session)
      : null,
    actions(p, state, alive),
    p.failed('header')
  );
}

function facts(p, state, alive) {
  const { words } = p;
  const fact = (name, value) => (value ? [h('dt', null, name), h('dd', null, value)] : []);
  const copy = () => p.copy(state.session_id);
  const more = p.ui.capabilities || {};
  const id = [
    h('code', { class: 'abk-code abk-cut', title: state.session_id }, state.session_id),
    button(words.copy_id, copy, { picture: 'copy', focus: 'copy-id' })
  ];
  return h(
    'dl',
    { class: 'abk-facts', key: 'facts' },
    alive ? [h('dt', null, words.session), h('dd', { class: 'abk-row' }, id)] : [],
    fact(words.name, state.name),
    fact(words.provider, more.provider || state.provider),
    fact(words.image, state.image),
    DETAILS.flatMap(name => fact(words[`detail_${name.replace(/ /g, '_')}`], more[name]))
  );
}

function times(p, state) {
  const { words } = p;
  const left = moment => (moment === null ? words.endless : span(words, moment - now()));
  const soon = moment => (moment !== null && moment - now() < 600 ? 'abk-soon' : '');
  const cell = (name, text, kind = '') =>
    h('div', null, h('dt', null, name), h('dd', { class: `abk-time ${kind}` }, text));
  return h(
    'div',
    { class: 'abk-row abk-between abk-times', key: 'times' },
    h(
      'dl',
      null,
      cell(words.age, state.started_at === null ? '' : span(words, now() - state.started_at)),
      cell(words.idle_left, left(state.idle_ends_at), soon(state.idle_ends_at)),
      cell(words.life_left, left(state.life_ends_at), soon(state.life_ends_at))
    ),
    button(words.extend, () => p.act('header', 'extend', {}, words.extended), {
      disabled: p.busy('extend'),
      title: words.extend_title
    })
  );
}

function actions(p, state, alive) {
  const { words } = p;
  const asked = alive ? p.ui.question : '';
  const { session_id } = state;
  if (asked === 'restart_interpreter') {
    const go = () => p.answer('header', asked, { session_id }, words.interpreter_new);
    return question(words, words.restart_loses, words.restart, go, () => p.unask());
  }
  if (asked === 'delete') {
    const go = () => p.answer('header', asked, { session_id, sync: true }, words.deleted);
    return question(words, words.delete_loses, words.delete, go, () => p.unask());
  }
  const starting = state.state === 'starting' || p.busy('start');
  const start = () => p.act('header', 'start', {}, words.started);
  const wake = () => p.act('header', 'wake', {}, words.woken);
  return h(
    'div',
    { class: 'abk-row', key: 'actions' },
    alive
      ? [
          state.state === 'paused'
            ? button(words.wake, wake, { kind: 'abk-main', disabled: p.busy('wake'), key: 'wake' })
            : null,
          button(words.restart_dots, () => p.question('restart_interpreter'), {
            focus: 'restart_interpreter'
          }),
          button(words.delete_dots, () => p.question('delete'), { focus: 'delete' })
        ]
      : button(words.start, start, {
          kind: 'abk-main',
          disabled: starting,
          focus: 'start',
          key: 'start'
        })
  );
}

function link(p) {
  const { words, ui } = p;
  const state = p.get('link');
  const draft = ui.link;
  const change = (name, value) => {
    draft[name] = value;
    p.draw();
  };
  const port = draft.port.trim();
  const wrong = port !== '' && !(/^\d+$/.test(port) && port >= 30100 && port <= 30199);
  const idle = wrong || p.busy('link');
  const choose = event => change('protocol', event.target.value);
  const options = ['https', 'wss'].map(each => h('option', { value: each }, each));
  const wss = port !== '' && draft.protocol === 'wss';
  return [
    h(
      'div',
      { class: 'abk-row', key: 'fields' },
      h(
        'div',
        { class: 'abk-row abk-fields' },
        input(words.port, draft.port, text => change('port', text), {
          class: 'abk-input abk-port',
          inputmode: 'numeric',
          'aria-invalid': String(wrong),
          'aria-describedby': wrong ? `${p.id}-port` : null
        }),
        h(
          'select',
          {
            class: 'abk-input',
            'aria-label': words.protocol,
            value: draft.protocol,
            disabled: port === '',
            onchange: choose
          },
          options
        )
      ),
      h(
        'div',
        { class: 'abk-row' },
        button(words.open, () => p.openLink(), { disabled: idle || wss, kind: 'abk-main' }),
        button(words.copy, () => p.copyLink(), { disabled: idle, 'aria-label': words.copy_link }),
        button(words.check, () => p.checkLink(), { disabled: idle })
      )
    ),
    wrong ? h('p', { class: 'abk-quiet', id: `${p.id}-port`, key: 'wrong' }, words.port_rule) : null,
    state.shown
      ? h(
          'p',
          { class: 'abk-link', key: 'shown', 'data-answers': String(state.status > 0 && state.status < 500) },
          h('span', { class: 'abk-dot', 'aria-hidden': 'true' }),
          h('code', { class: 'abk-code abk-cut', title: state.shown }, state.shown),
          h('span', { class: 'abk-quiet' }, answerOf(words, state))
        )
      : h('p', { class: 'abk-quiet', key: 'none' }, words.link_note),
    p.failed('link')
  ];
}

function answerOf(words, state) {
  if (state.status === 0) {
    return words.no_answer;
  }
  const silent = [502, 503, 504].includes(state.status);
  return fill(silent ? words.nobody : words.answers, { status: state.status });
}
