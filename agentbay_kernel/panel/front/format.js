// Words, times and sizes as a person reads them.

function wordsOf(model) {
  const all = model.get('words');
  return document.documentElement.lang.toLowerCase().startsWith('zh') ? all.zh_CN : all.en;
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

function span(words, seconds) {
  const left = Math.max(0, Math.floor(seconds));
  if (left < 60) {
    return fill(words.seconds, { s: left });
  }
  const minutes = Math.floor(left / 60);
  if (minutes < 60) {
    return fill(words.minutes, { m: minutes });
  }
  return fill(words.hours, { h: Math.floor(minutes / 60), m: minutes % 60 });
}

function bytes(count) {
  if (count === null || count === undefined) {
    return '';
  }
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function percent(part) {
  return `${Math.round(part * 100)} %`;
}

function moment(seconds) {
  if (!seconds) {
    return '';
  }
  const date = new Date(seconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  const two = number => String(number).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return today ? time : `${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

function now() {
  return Date.now() / 1000;
}
