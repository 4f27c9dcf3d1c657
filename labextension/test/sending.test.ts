import type { JSONObject } from '@lumino/coreutils';
import type { RequestError } from '../src/model';
import { localSource, pieces, sendFile } from '../src/sending';
import type { ISource } from '../src/sending';
import { connected, FakeError } from './fakes';
import type { Answer } from './fakes';

function stream(...parts: number[][]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      parts.forEach(part => controller.enqueue(new Uint8Array(part)));
      controller.close();
    }
  });
}

function source(...parts: number[][]): ISource {
  const size = parts.flat().length;
  return { name: 'a.bin', size, open: () => Promise.resolve(stream(...parts)) };
}

function uploads(chunk: Answer = () => null) {
  const steps: JSONObject[] = [];
  const bytes: number[] = [];
  const upload: Answer = (args, buffers) => {
    steps.push(args);
    buffers.forEach(buffer => bytes.push(...new Uint8Array(buffer)));
    switch (args.step) {
      case 'begin':
        return { upload: 'U' };
      case 'chunk':
        return chunk(args, buffers);
      default:
        return { path: '/workspace/a.bin' };
    }
  };
  return { ...connected({ upload }), steps, bytes };
}

describe('pieces', () => {
  it('have one size, but for the last', async () => {
    const sizes: number[][] = [];
    for await (const piece of pieces(stream([1], [2, 3, 4, 5], [6, 7]), 3)) {
      sizes.push([...new Uint8Array(piece)]);
    }
    expect(sizes).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  });

  it('are none of an empty file', async () => {
    const found: ArrayBuffer[] = [];
    for await (const piece of pieces(stream(), 3)) {
      found.push(piece);
    }
    expect(found).toEqual([]);
  });
});

describe('sendFile', () => {
  it('sends the whole file in order and says where it stands', async () => {
    const { model, steps, bytes } = uploads();
    const progress = jest.fn();
    const path = await sendFile(model, source([1, 2], [3]), { onProgress: progress });
    expect(path).toBe('/workspace/a.bin');
    expect(steps.map(each => each.step)).toEqual(['begin', 'chunk', 'end']);
    expect(steps[0]).toEqual({ step: 'begin', path: 'a.bin', size: 3, force: false });
    expect(steps[1]).toEqual({ step: 'chunk', upload: 'U', offset: 0 });
    expect(bytes).toEqual([1, 2, 3]);
    expect(progress).toHaveBeenLastCalledWith(3, 3);
  });

  it('takes back what was sent when a piece is refused', async () => {
    const { model, steps } = uploads(() => new FakeError({ message: 'Full.' }));
    await expect(sendFile(model, source([1]))).rejects.toThrow('Full.');
    expect(steps.map(each => each.step)).toEqual(['begin', 'chunk', 'abort']);
  });

  it('stops between two pieces', async () => {
    const { model, steps } = uploads();
    const stop = new AbortController();
    stop.abort();
    await expect(sendFile(model, source([1]), { signal: stop.signal })).rejects.toBeDefined();
    expect(steps.map(each => each.step)).toEqual(['begin', 'abort']);
  });

  it('stops before the end, and not after it', async () => {
    const { model, steps } = uploads();
    const stop = new AbortController();
    const onEnd = jest.fn();
    const options = { signal: stop.signal, onProgress: () => stop.abort(), onEnd };
    await expect(sendFile(model, source([1]), options)).rejects.toBeDefined();
    expect(steps.map(each => each.step)).toEqual(['begin', 'chunk', 'abort']);
    expect(onEnd).not.toHaveBeenCalled();
    const late = { signal: new AbortController().signal, onEnd };
    await sendFile(model, source([1]), late);
    expect(onEnd).toHaveBeenCalledTimes(1);
  });

  it('sends into a folder', async () => {
    const { model, steps } = uploads();
    await sendFile(model, source([1]), { folder: '/workspace/data' });
    expect(steps[0]).toMatchObject({ path: '/workspace/data/a.bin' });
  });

  it('sends nothing when the kernel refuses to begin', async () => {
    const upload = () => new FakeError({ kind: 'exists', message: 'It exists.' });
    const { kernel, model } = connected({ upload });
    const failed = await sendFile(model, source([1])).catch((reason: unknown) => reason);
    expect((failed as RequestError).failure.kind).toBe('exists');
    expect(kernel.comm.requests).toHaveLength(1);
  });

  it('reads a file of the computer', () => {
    const made = localSource(new File(['abc'], 'x.txt'));
    expect([made.name, made.size]).toEqual(['x.txt', 3]);
  });
});
