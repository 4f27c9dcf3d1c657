// What the page does with files: look into them, fetch and send them.

const copying = {
  async look(entry) {
    const { ui, session } = this;
    delete ui.failures.files;
    this.closePreview(false);
    const kept = focusKept();
    try {
      const { value, buffers } = await this.talk.request('preview', { path: entry.path });
      if (this.session !== session) {
        return;
      }
      const blob = value.kind === 'picture' ? new Blob([buffers[0]], { type: value.mime }) : null;
      ui.preview = { ...value, entry, url: blob ? URL.createObjectURL(blob) : '' };
      this.focus = kept() ? 'preview' : '';
    } catch (error) {
      ui.failures.files = error;
    }
    this.draw();
  },

  closePreview(focus = true) {
    const { preview } = this.ui;
    if (preview) {
      this.forgetPreview();
      this.focus = focus ? `file ${preview.entry.path}` : '';
      this.draw();
    }
  },

  forgetPreview() {
    if (this.ui.preview) {
      URL.revokeObjectURL(this.ui.preview.url);
      this.ui.preview = null;
    }
  },

  async copying(name, work) {
    const { ui } = this;
    const key = Math.random();
    const progress = (done, total) => {
      ui.copies = { ...ui.copies, [key]: { name, done, total } };
      this.draw();
    };
    progress(0, 0);
    try {
      return await work(progress);
    } finally {
      const { [key]: _, ...others } = ui.copies;
      ui.copies = others;
      this.draw();
    }
  },

  async download(entry) {
    this.clear('files');
    try {
      const found = await this.copying(entry.name, progress =>
        this.talk.download(entry.path, progress)
      );
      save(found.name, found.blob);
    } catch (error) {
      this.ui.failures.files = error;
      this.draw();
    }
  },

  chooseFiles() {
    const chooser = document.createElement('input');
    chooser.type = 'file';
    chooser.multiple = true;
    chooser.onchange = () => this.send([...chooser.files], this.get('files').path);
    chooser.click();
  },

  // A file that is there with another content is asked about, and the others go on.
  async send(chosen, folder, force = false) {
    const { session, words } = this;
    const kept = focusKept();
    let sent = 0;
    this.clear('files');
    for (const [at, file] of chosen.entries()) {
      const path = `${folder.replace(/\/$/, '')}/${file.name}`;
      try {
        if (this.session !== session) {
          throw trouble(words.another_session);
        }
        await this.copying(file.name, progress => this.talk.upload(path, file, force, progress));
        sent += 1;
      } catch (error) {
        if (error.kind !== 'exists' || this.session !== session) {
          this.unsent(error, chosen.slice(at));
          return;
        }
        this.askReplace(file, folder, kept());
      }
    }
    if (sent) {
      this.note(words.sent);
    }
  },

  unsent(error, files) {
    const names = files.map(file => file.name).join(', ');
    const { message, next_step, request_id } = error;
    const text = `${message} ${fill(this.words.not_sent, { names })}`;
    this.ui.failures.files = { message: text, next_step, request_id };
    this.draw();
  },

  askReplace(file, folder, focus) {
    this.ui.replace = [...this.ui.replace, { file, folder }];
    if (focus && this.ui.replace.length === 1) {
      this.focus = 'keep';
    }
    this.draw();
  },

  // Replace the first file that is asked about or leave it, and go on to the next question.
  answerReplace(replace) {
    const [{ file, folder }, ...others] = this.ui.replace;
    this.ui.replace = others;
    this.focus = others.length ? 'keep' : 'send';
    this.draw();
    return replace ? this.send([file], folder, true) : undefined;
  },

  drag(event, over) {
    if ([...event.dataTransfer.types].includes('Files')) {
      event.preventDefault();
      this.ui.dragging = over;
      this.draw();
    }
  },

  drop(event) {
    const given = [...event.dataTransfer.items].filter(each => each.kind === 'file');
    if (given.length) {
      event.preventDefault();
      this.ui.dragging = false;
      // After this event nobody can tell a folder from a file any more.
      const isFolder = each => Boolean(each.webkitGetAsEntry?.()?.isDirectory);
      const folders = given.filter(isFolder).map(each => each.webkitGetAsEntry().name);
      const files = given.filter(each => !isFolder(each)).map(each => each.getAsFile());
      this.send(files, this.get('files').path);
      if (folders.length) {
        const text = fill(this.words.no_folders, { names: folders.join(', ') });
        this.ui.failures.files = trouble(text, this.words.put_folders);
      }
    }
  }
};
