/**
 * Lets files be dropped on a widget: those of Jupyter's file browser, and those of the computer.
 */
import type { Drag } from '@lumino/dragdrop';

/** The file browser's own type for the paths that are dragged. */
const CONTENTS = 'application/x-jupyter-icontents';
const OVER = 'agentbay-mod-dropTarget';
/** The panel's list of files has its open folder here, and takes files of the computer itself. */
const LIST = '[data-agentbay-drop]';
const EVENTS = [
  'lm-dragenter',
  'lm-dragover',
  'lm-dragleave',
  'lm-drop',
  'dragenter',
  'dragover',
  'dragleave',
  'drop'
];

/** Where dropped files go. */
export interface IDropTarget {
  /** Whether something may be dropped now. */
  readonly accepts: () => boolean;
  /** Take files of the file browser, by their paths, into a folder of the session if one is named. */
  readonly takePaths: (paths: string[], folder: string) => void;
  /** Take files from outside the browser. */
  readonly takeFiles: (files: File[]) => void;
}

/** Watches a node while it is in the page. */
export class DropZone implements EventListenerObject {
  constructor(
    private readonly _node: HTMLElement,
    private readonly _target: IDropTarget
  ) {}

  /** Begin to watch. */
  attach(): void {
    EVENTS.forEach(name => this._node.addEventListener(name, this));
  }

  /** Watch no longer. */
  detach(): void {
    this._mark(false);
    EVENTS.forEach(name => this._node.removeEventListener(name, this));
  }

  handleEvent(event: Event): void {
    if (!isDrag(event) || !this._target.accepts()) {
      return;
    }
    const paths = pathsOf(event);
    if (paths === null && !event.dataTransfer?.types.includes('Files')) {
      return;
    }
    const list = listOf(event);
    // What is within may have taken it, or will: the panel's files have a folder of their own.
    if (paths === null && (list !== null || event.defaultPrevented)) {
      this._mark(false);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this._mark(!event.type.endsWith('drop') && !this._leaves(event));
    if (paths !== null) {
      event.dropAction = event.proposedAction;
    }
    if (event.type === 'lm-drop' && paths !== null) {
      this._target.takePaths(paths, list?.dataset.agentbayDrop ?? '');
    } else if (event.type === 'drop') {
      this._target.takeFiles([...(event.dataTransfer?.files ?? [])]);
    }
  }

  private _leaves(event: DragEvent): boolean {
    const to = event.relatedTarget;
    return event.type.endsWith('dragleave') && !(to instanceof Node && this._node.contains(to));
  }

  private _mark(over: boolean): void {
    this._node.classList.toggle(OVER, over);
  }
}

function isDrag(event: Event): event is Drag.Event {
  return EVENTS.includes(event.type);
}

/** The panel's list of files below the pointer. */
function listOf({ target }: Event): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(LIST) : null;
}

/** The file browser's paths; null for other things that are dragged. */
function pathsOf(event: Drag.Event): string[] | null {
  const paths: unknown = event.type.startsWith('lm-') ? event.mimeData.getData(CONTENTS) : null;
  return Array.isArray(paths) ? paths.map(String) : null;
}
