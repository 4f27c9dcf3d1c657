/**
 * Sends files to a session in pieces, through its notebook's kernel. No DOM.
 */
import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';
import type { SessionModel } from './model';
import { CHUNK_BYTES, field } from './protocol';

/** A file that can be read from its beginning. */
export interface ISource {
  readonly name: string;
  readonly size: number;
  open(): Promise<ReadableStream<Uint8Array>>;
}

/** Told after every piece. */
export type OnProgress = (sent: number, size: number) => void;

/** How a file is sent. */
export interface ISendOptions {
  /** Where in the session; its working folder when that is empty. */
  readonly folder?: string;
  readonly force?: boolean;
  readonly onProgress?: OnProgress;
  /** Told when all of it has come to the kernel: what then goes on cannot be stopped. */
  readonly onEnd?: () => void;
  readonly signal?: AbortSignal;
}

/**
 * Send one file and return where it stands in the session.
 *
 * What was sent of a file that fails or is stopped is taken back. An existing file is replaced with
 * `force` only.
 */
export async function sendFile(
  model: SessionModel,
  source: ISource,
  options: ISendOptions = {}
): Promise<string> {
  const { name, size } = source;
  const { folder = '', force = false, onProgress, onEnd, signal } = options;
  const path = folder ? `${folder.replace(/\/$/, '')}/${name}` : name;
  const begun = await model.request('upload', { step: 'begin', path, size, force });
  const upload = field(begun, 'upload');
  try {
    let offset = 0;
    for await (const piece of pieces(await source.open(), CHUNK_BYTES)) {
      signal?.throwIfAborted();
      await model.request('upload', { step: 'chunk', upload, offset }, [piece]);
      offset += piece.byteLength;
      onProgress?.(offset, size);
    }
    signal?.throwIfAborted();
    onEnd?.();
    return field(await model.request('upload', { step: 'end', upload }), 'path') || path;
  } catch (error) {
    await model.request('upload', { step: 'abort', upload }).catch(() => undefined);
    throw error;
  }
}

/** Cut a stream into pieces of that size; only the last is shorter. */
export async function* pieces(
  stream: ReadableStream<Uint8Array>,
  size: number
): AsyncGenerator<ArrayBuffer> {
  const reader = stream.getReader();
  let piece = new Uint8Array(size);
  let filled = 0;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      let rest = read.value;
      while (rest.byteLength > 0) {
        const taken = rest.subarray(0, size - filled);
        piece.set(taken, filled);
        filled += taken.byteLength;
        rest = rest.subarray(taken.byteLength);
        if (filled === size) {
          yield piece.buffer;
          piece = new Uint8Array(size);
          filled = 0;
        }
      }
    }
    if (filled > 0) {
      yield piece.slice(0, filled).buffer;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** A file of Jupyter's file browser, read through the server without holding all of it. */
export function contentsSource(contents: Contents.IManager, file: Contents.IModel): ISource {
  return {
    name: file.name,
    size: file.size ?? 0,
    open: async () => {
      const url = await contents.getDownloadUrl(file.path);
      const settings = contents.serverSettings;
      const response = await ServerConnection.makeRequest(url, {}, settings);
      if (!response.ok || response.body === null) {
        throw new ServerConnection.ResponseError(response);
      }
      return response.body;
    }
  };
}

/** A file that was dropped from the computer's own windows. */
export function localSource(file: File): ISource {
  return { name: file.name, size: file.size, open: () => Promise.resolve(file.stream()) };
}
