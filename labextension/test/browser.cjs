// What a browser has and jsdom lacks, as far as the packages ask for it when they are loaded.
global.DragEvent ??= class DragEvent extends Event {};
global.ResizeObserver ??= class ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
};
global.TextEncoder ??= require('util').TextEncoder;
global.TextDecoder ??= require('util').TextDecoder;
global.ReadableStream ??= require('stream/web').ReadableStream;
global.matchMedia ??= () => ({ matches: false, addEventListener() {}, removeEventListener() {} });
global.requestIdleCallback ??= callback => setTimeout(callback);
// Without it there is nothing to copy to.
global.ClipboardItem ??= class ClipboardItem {};
Object.defineProperty(navigator, 'clipboard', { value: {}, configurable: true });
