// Requests to the kernel and their replies, and the word to it of what is on the screen.

const PIECE = 1 << 20;
const HEARTBEAT_MS = 15000;
const ANSWER_MS = 8000;

class Talk {
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.view = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.answers = true;
    this.count = 0;
    this.waiting = new Map();
    this.uploads = new Set();
    this.shown = new Map();
    this.told = '';
    this.take = this.take.bind(this);
    this.tell = this.tell.bind(this);
    this.leave = this.leave.bind(this);
    model.on('msg:custom', this.take);
    document.addEventListener('visibilitychange', this.tell);
    this.beat = setInterval(() => this.tell(true), HEARTBEAT_MS);
    // A page that goes away has no time for an answer.
    window.addEventListener('pagehide', this.leave);
  }

  close() {
    this.closed = true;
    this.model.off('msg:custom', this.take);
    document.removeEventListener('visibilitychange', this.tell);
    window.removeEventListener('pagehide', this.leave);
    clearInterval(this.beat);
    this.leave();
  }

  leave() {
    this.uploads.forEach(upload => this.abort(upload));
    this.say([]);
  }

  request(action, args = {}, buffers = []) {
    this.count += 1;
    const id = `${this.view}:${this.count}`;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      try {
        this.model.send({ type: 'request', id, action, args }, undefined, buffers);
      } catch {
        // The kernel of this page has gone.
        this.waiting.delete(id);
        this.heard(false);
        reject(trouble(wordsOf(this.model).away));
      }
    });
  }

  take(reply, buffers) {
    const waits = this.waiting.get(reply?.id);
    if (!waits) {
      return;
    }
    this.waiting.delete(reply.id);
    this.heard(true);
    if (reply.ok) {
      waits.resolve({ value: reply.value, buffers: buffers || [] });
    } else {
      waits.reject(reply.error);
    }
  }

  heard(answers) {
    if (this.closed) {
      return;
    }
    if (this.answers !== answers) {
      this.answers = answers;
      this.changed();
    }
  }

  // What of the panel can be seen; `again` also when the kernel knows it already.
  tell(again = false) {
    const hidden = document.visibilityState === 'hidden';
    const names = hidden ? [] : [...this.shown].filter(([, seen]) => seen).map(([name]) => name);
    const sections = names.sort();
    if (again !== true && sections.join() === this.told) {
      return;
    }
    if (again === true && sections.length === 0) {
      return;
    }
    this.say(sections);
  }

  say(sections) {
    this.told = sections.join();
    const late = setTimeout(() => this.heard(false), ANSWER_MS);
    const forget = () => clearTimeout(late);
    if (sections.length === 0) {
      forget();
    }
    this.request('visible', { view: this.view, sections }).then(forget, forget);
  }

  // Watches the place of one section.
  watch(element, name) {
    const observer = new IntersectionObserver(entries => {
      this.shown.set(name, entries[entries.length - 1].isIntersecting);
      this.tell();
    });
    observer.observe(element);
    return observer;
  }

  async upload(path, file, force, progress) {
    const size = file.size;
    const begun = await this.request('upload', { step: 'begin', path, size, force });
    const { upload } = begun.value;
    this.uploads.add(upload);
    try {
      for (let offset = 0; offset < size; offset += PIECE) {
        const piece = await file.slice(offset, offset + PIECE).arrayBuffer();
        await this.request('upload', { step: 'chunk', upload, offset }, [piece]);
        progress(Math.min(size, offset + PIECE), size);
      }
      return await this.request('upload', { step: 'end', upload });
    } catch (error) {
      this.abort(upload);
      throw error;
    } finally {
      this.uploads.delete(upload);
    }
  }

  // The kernel may have given it up itself.
  abort(upload) {
    this.request('upload', { step: 'abort', upload }).catch(() => {});
  }

  async download(path, progress) {
    const { value } = await this.request('download', { path });
    const pieces = [];
    let offset = 0;
    do {
      const args = { download: value.download, offset };
      const piece = await this.request('download_piece', args);
      pieces.push(piece.buffers[0]);
      offset += piece.value.length;
      progress(offset, value.size);
    } while (offset < value.size);
    return { name: value.name, blob: new Blob(pieces) };
  }
}

function save(name, blob) {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) {
    throw new Error('copy');
  }
}
