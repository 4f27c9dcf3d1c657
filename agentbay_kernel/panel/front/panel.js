// The page's side of the panel: draws what the model says, and keeps what is only of this view.

const SECTIONS = [
  ['one', 'link', link],
  ['one', 'labels', labels],
  ['one', 'contexts', contexts],
  ['two', 'meters', meters],
  ['two', 'files', files],
  ['two', 'sessions', account]
];
const OF_SESSION = ['link', 'labels', 'contexts', 'files'];
const TRAITS = ['header', 'link', 'labels', 'contexts', 'meters', 'files', 'account', 'sections'];
const NOTE_MS = 4000;

class Page {
  constructor(model, element) {
    this.model = model;
    this.element = element;
    this.id = `abk-${Math.random().toString(36).slice(2)}`;
    this.ui = {
      failures: {},
      doing: new Set(),
      copies: {},
      note: '',
      question: '',
      capabilities: null,
      link: { port: '', protocol: 'https' },
      label: null,
      mount: null,
      preview: null,
      replace: [],
      sessions: { filter: model.get('account').filter, leftovers: model.get('account').leftovers }
    };
    this.followed = this.session;
    this.draw = this.draw.bind(this);
    this.talk = new Talk(model, this.draw);
    this.observers = new Map();
    TRAITS.forEach(name => model.on(`change:${name}`, this.draw));
    element.classList.add('abk');
    // The notebook's own keys must not act on what is typed here.
    element.setAttribute('data-lm-suppress-shortcuts', 'true');
    this.paint();
    this.clock = setInterval(() => this.tick(), 1000);
  }

  close() {
    clearInterval(this.clock);
    clearTimeout(this.forget);
    TRAITS.forEach(name => this.model.off(`change:${name}`, this.draw));
    this.observers.forEach(({ observer }) => observer.disconnect());
    this.talk.close();
    this.forgetPreview();
  }

  get(name) {
    return this.model.get(name);
  }

  get session() {
    return this.get('header').session_id;
  }

  get words() {
    return wordsOf(this.model);
  }

  tick() {
    if (document.visibilityState === 'visible' && this.talk.shown.get('header')) {
      this.draw();
    }
  }

  draw() {
    if (!this.drawing) {
      this.drawing = true;
      requestAnimationFrame(() => {
        this.drawing = false;
        this.paint();
      });
    }
  }

  // What was asked, typed or looked into of a session goes with it.
  follow() {
    const { session, ui } = this;
    if (session === this.followed) {
      return;
    }
    this.followed = session;
    const questions = [...this.element.querySelectorAll('.abk-question')];
    if (questions.some(each => each.contains(document.activeElement))) {
      this.focus = session ? 'restart_interpreter' : 'start';
    }
    this.forgetPreview();
    Object.assign(ui, { question: '', capabilities: null, label: null, mount: null, replace: [] });
    OF_SESSION.forEach(name => delete ui.failures[name]);
  }

  paint() {
    const { words } = this;
    this.follow();
    const alive = Boolean(this.session);
    const columns = name =>
      SECTIONS.filter(([column, section]) => column === name && (alive || section === 'sessions'));
    patch(this.element, [
      h(
        'div',
        { class: 'abk-panel', role: 'region', 'aria-label': words.title, key: 'panel' },
        this.talk.answers
          ? null
          : h('p', { class: 'abk-away', role: 'alert', key: 'away' }, words.away),
        header(this),
        h(
          'div',
          { class: 'abk-columns', key: 'columns' },
          ['one', 'two'].map(name =>
            h(
              'div',
              { key: name, class: 'abk-column' },
              columns(name).map(([, section, body]) => this.section(section, body))
            )
          )
        )
      )
    ]);
    this.watch();
    if (this.focus) {
      const target = [...this.element.querySelectorAll('[data-focus]')].find(
        each => each.dataset.focus === this.focus
      );
      this.focus = '';
      target?.focus();
    }
  }

  section(name, body) {
    const { words } = this;
    const open = this.get('sections').includes(name);
    const own = `${this.id}-${name}`;
    return h(
      'section',
      { key: name, class: 'abk-section', 'aria-labelledby': `${own}-title` },
      h(
        'h3',
        { id: `${own}-title` },
        h(
          'button',
          {
            type: 'button',
            class: 'abk-fold',
            'aria-expanded': String(open),
            'aria-controls': own,
            onclick: () => this.fold(name)
          },
          icon('fold'),
          words[name]
        )
      ),
      h(
        'div',
        { id: own, class: 'abk-body', hidden: !open, 'data-section': name },
        open ? body(this) : null
      )
    );
  }

  fold(name) {
    const open = this.get('sections');
    const others = open.filter(each => each !== name);
    this.model.set('sections', others.length < open.length ? others : [...open, name]);
    this.model.save_changes();
    this.draw();
  }

  watch() {
    for (const element of this.element.querySelectorAll('[data-section]')) {
      const name = element.dataset.section;
      if (this.observers.get(name)?.element !== element) {
        this.observers.get(name)?.observer.disconnect();
        this.observers.set(name, { element, observer: this.talk.watch(element, name) });
      }
    }
  }

  busy(action) {
    return this.ui.doing.has(action);
  }

  clear(section) {
    delete this.ui.failures[section];
    this.draw();
  }

  // What failed in a section: what was asked here, which may be put away, or its last reading.
  failed(name, section = {}) {
    const own = this.ui.failures[name];
    return failure(this.words, own || section.error, own ? () => this.clear(name) : null);
  }

  note(text) {
    this.ui.note = text;
    clearTimeout(this.forget);
    if (text) {
      this.forget = setTimeout(() => this.note(''), NOTE_MS);
    }
    this.draw();
  }

  // Ask the kernel to do something; a failure is shown in `section`, the empty one shows its own.
  async act(section, action, args = {}, done = '') {
    const { ui } = this;
    delete ui.failures[section];
    ui.doing.add(action);
    this.draw();
    try {
      const { value } = await this.talk.request(action, args);
      if (done) {
        this.note(done);
      }
      return value;
    } catch (error) {
      if (section) {
        ui.failures[section] = error;
      }
      return undefined;
    } finally {
      ui.doing.delete(action);
      this.draw();
    }
  }

  question(name) {
    this.ui.question = name;
    this.focus = 'cancel';
    this.draw();
  }

  unask() {
    this.focus = this.ui.question;
    this.ui.question = '';
    this.draw();
  }

  answer(section, action, args, done) {
    this.unask();
    return this.act(section, action, args, done);
  }

  async refresh(section) {
    await this.act(section, 'refresh', { section });
  }

  async copy(text) {
    try {
      await copyText(text);
      this.note(this.words.was_copied);
    } catch {
      this.note(this.words.not_copied);
    }
  }

  async details() {
    if (this.ui.capabilities) {
      this.ui.capabilities = null;
      this.draw();
      return;
    }
    const { session } = this;
    const found = await this.act('header', 'capabilities');
    if (this.session === session) {
      this.ui.capabilities = found || null;
      this.draw();
    }
  }

  linkArgs() {
    const { port, protocol } = this.ui.link;
    return port.trim() ? { port: Number(port), protocol } : {};
  }

  async openLink() {
    // A browser lets a page open only what a click opens at once.
    const tab = window.open('about:blank', '_blank');
    const found = await this.act('link', 'link', this.linkArgs());
    const web = /^https?:/i.test(found?.url);
    if (found && !web) {
      this.ui.failures.link = trouble(this.words.link_refused);
    }
    if (!web) {
      tab?.close();
    } else if (tab) {
      tab.opener = null;
      tab.location.replace(found.url);
    } else {
      const anchor = document.createElement('a');
      Object.assign(anchor, { href: found.url, target: '_blank', rel: 'noopener noreferrer' });
      anchor.click();
    }
  }

  async copyLink() {
    const found = await this.act('link', 'link', this.linkArgs());
    if (found) {
      await this.copy(found.url);
    }
  }

  async checkLink() {
    await this.act('link', 'link', this.linkArgs());
  }

  edit(draft) {
    const former = this.ui.label;
    this.ui.label = draft;
    this.focus = draft ? (draft.old ? 'value' : 'key') : former?.old ? `label ${former.old}` : 'add';
    delete this.ui.failures.labels;
    this.draw();
  }

  async saveLabel() {
    const draft = this.ui.label;
    const kept = focusKept();
    const saved = await this.act('labels', 'set_label', { ...draft }, this.words.label_saved);
    if (saved && this.ui.label === draft) {
      this.ui.label = null;
      this.focus = kept() ? 'add' : '';
      this.draw();
    }
  }

  async mountForm(open = true) {
    this.ui.mount = open ? { name: '', path: '', names: [] } : null;
    this.focus = open ? 'context' : 'mount';
    delete this.ui.failures.contexts;
    this.draw();
    const names = open ? await this.act('', 'context_names') : null;
    if (names && this.ui.mount) {
      this.ui.mount.names = names;
      this.draw();
    }
  }

  async mount() {
    const { name, path } = this.ui.mount;
    const args = { name, path: path.trim() || `/mnt/${name.trim()}` };
    const kept = focusKept();
    if (await this.act('contexts', 'mount', args, this.words.mounted)) {
      this.ui.mount = null;
      this.focus = kept() ? 'mount' : '';
      this.draw();
    }
  }

  async showSessions(turn) {
    await this.act('sessions', 'show_sessions', { ...this.ui.sessions, turn });
  }
}

Object.assign(Page.prototype, copying);

export default {
  render({ model, el }) {
    const page = new Page(model, el);
    return () => page.close();
  }
};
