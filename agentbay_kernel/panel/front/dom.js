// Elements described as values, and a page that is changed only where they differ: what has the
// focus or is being typed into stays as it is. Text is only ever set as text.

const SVG = 'http://www.w3.org/2000/svg';
const AS_PROPERTY = new Set(['value', 'checked', 'disabled', 'multiple']);

function h(tag, props, ...children) {
  const shown = child => child !== null && child !== undefined && child !== false && child !== '';
  return { tag, props: props || {}, children: children.flat(Infinity).filter(shown) };
}

function patch(parent, wanted) {
  const keys = new Set(wanted.map(each => each.props?.key).filter(key => key !== undefined));
  const known = new Map();
  for (const node of [...parent.childNodes]) {
    if (node.agentbayKey === undefined) {
      continue;
    }
    if (keys.has(node.agentbayKey)) {
      known.set(node.agentbayKey, node);
    } else {
      node.remove();
    }
  }
  let at = parent.firstChild;
  for (const each of wanted) {
    const key = each.props?.key;
    const found = key === undefined ? at : known.get(key);
    const node = fits(found, each) ? found : create(each, parent);
    if (node === at) {
      at = at.nextSibling;
    } else {
      parent.insertBefore(node, at);
    }
    update(node, each);
  }
  while (at !== null) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function fits(node, wanted) {
  if (!node) {
    return false;
  }
  if (wanted.tag === undefined) {
    return node.nodeType === Node.TEXT_NODE;
  }
  return node.localName === wanted.tag && node.agentbayKey === wanted.props.key;
}

function create(wanted, parent) {
  if (wanted.tag === undefined) {
    return document.createTextNode('');
  }
  const drawn = wanted.tag === 'svg' || parent.namespaceURI === SVG;
  const node = drawn
    ? document.createElementNS(SVG, wanted.tag)
    : document.createElement(wanted.tag);
  node.agentbayKey = wanted.props.key;
  node.agentbayProps = {};
  return node;
}

function update(node, wanted) {
  if (wanted.tag === undefined) {
    const text = String(wanted);
    if (node.data !== text) {
      node.data = text;
    }
    return;
  }
  // The value of a list of options is one of them.
  patch(node, wanted.children);
  const before = node.agentbayProps;
  for (const name of Object.keys(before)) {
    if (!(name in wanted.props)) {
      set(node, name, undefined);
    }
  }
  for (const [name, value] of Object.entries(wanted.props)) {
    if (AS_PROPERTY.has(name) || before[name] !== value) {
      set(node, name, value);
    }
  }
  node.agentbayProps = wanted.props;
}

function set(node, name, value) {
  if (name === 'key') {
    return;
  }
  if (name.startsWith('on')) {
    node[name] = value ?? null;
  } else if (AS_PROPERTY.has(name)) {
    const given = value ?? (name === 'value' ? '' : false);
    if (node[name] !== given) {
      node[name] = given;
    }
  } else if (value === undefined || value === null || value === false) {
    node.removeAttribute(name);
  } else {
    node.setAttribute(name, value === true ? '' : String(value));
  }
}

// Tells later whether the focus is still where it is now: who went on elsewhere stays there.
function focusKept() {
  const { activeElement } = document;
  return () => [activeElement, document.body].includes(document.activeElement);
}
