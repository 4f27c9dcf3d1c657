// The few shapes that everything in the panel is made of.

const ICONS = {
  copy: 'M5.5 5.5h7v8h-7zM3.5 10.5v-8h7',
  refresh: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
  close: 'M4 4l8 8M12 4l-8 8',
  plus: 'M8 3v10M3 8h10',
  up: 'M8 13V3.5M4 7l4-4 4 4',
  down: 'M8 3v9.5M4 9l4 4 4-4',
  open: 'M9 3h4v4M13 3L7.5 8.5M11 9v4H3V5h4',
  folder: 'M2 4h4l1.5 1.5H14V13H2z',
  file: 'M4 2h5l3 3v9H4zM9 2v3h3',
  more: 'M8 7v4M8 4.5v.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z',
  bin: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5L5 13h6l.5-8.5',
  fold: 'M6 4l4 4-4 4'
};

function icon(name) {
  const box = { viewBox: '0 0 16 16', class: 'abk-icon', 'aria-hidden': 'true' };
  return h('svg', box, h('path', { d: ICONS[name] }));
}

// A button with words, or with an icon whose words are its name.
function button(label, onclick, { picture, kind = '', disabled = false, focus, ...rest } = {}) {
  const named = picture ? { 'aria-label': label, title: label } : {};
  return h(
    'button',
    {
      type: 'button',
      class: `abk-button ${picture ? 'abk-small' : ''} ${kind}`,
      disabled,
      onclick,
      'data-focus': focus,
      ...named,
      ...rest
    },
    picture ? icon(picture) : label
  );
}

function input(label, value, oninput, rest = {}) {
  const written = event => oninput(event.target.value);
  return h('input', {
    class: 'abk-input',
    'aria-label': label,
    placeholder: label,
    autocomplete: 'off',
    spellcheck: 'false',
    value,
    oninput: written,
    ...rest
  });
}

// A few fields that belong together: Enter sends them, Escape gives them up.
function form(name, send, cancel, key, ...children) {
  const keys = event => {
    // An input method's Enter and Escape are about the word that is being written.
    if (event.isComposing) {
      return;
    }
    if (event.key === 'Enter' && event.target.localName === 'input') {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && cancel) {
      event.stopPropagation();
      cancel();
    }
  };
  const onsubmit = event => {
    event.preventDefault();
    send();
  };
  return h('form', { class: 'abk-row', 'aria-label': name, key, onsubmit, onkeydown: keys }, children);
}

// A failure of the page's own, told as the kernel tells its own.
function trouble(message, next_step = '') {
  return { message, next_step, request_id: '' };
}

// What failed, and the next thing to do, beside where it failed.
function failure(words, error, dismiss) {
  if (!error) {
    return null;
  }
  const request = error.request_id ? fill(words.request_id, { id: error.request_id }) : '';
  return h(
    'div',
    { class: 'abk-failure', role: 'alert', key: 'failure' },
    h('p', null, error.message),
    error.next_step ? h('p', { class: 'abk-quiet' }, error.next_step) : null,
    request ? h('p', { class: 'abk-quiet abk-code' }, request) : null,
    dismiss ? button(words.dismiss, dismiss, { picture: 'close' }) : null
  );
}

// A question before something is lost: what that is, and the way out first in the focus.
function question(words, text, verb, yes, no, { key = 'question', focus = 'cancel' } = {}) {
  const keys = event => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      no();
    }
  };
  // The second click of two may fall on what is asked next.
  const once = event => event.detail > 1 || yes();
  return h(
    'div',
    { class: 'abk-question', role: 'group', 'aria-label': verb, key, onkeydown: keys },
    h('p', null, text),
    h(
      'div',
      { class: 'abk-row' },
      button(verb, once, { kind: 'abk-danger' }),
      button(words.cancel, no, { focus })
    )
  );
}

function bar(label, part) {
  const known = part === undefined ? {} : { value: part, max: 1 };
  return h('progress', { class: 'abk-progress', 'aria-label': label, ...known });
}

// A small history; its last value stands beside it in words.
function spark(history) {
  const width = 72;
  const height = 20;
  const step = width / 39;
  const from = width - (history.length - 1) * step;
  const points = history
    .map((part, i) => `${(from + i * step).toFixed(1)},${(height - 1 - part * (height - 2)).toFixed(1)}`)
    .join(' ');
  return h(
    'svg',
    {
      class: 'abk-spark',
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true'
    },
    h('polyline', { points: history.length > 1 ? points : '', 'vector-effect': 'non-scaling-stroke' })
  );
}
