/**
 * The product's mark, a bay and what is sheltered in it, in the colour of the text around it.
 */
import { LabIcon } from '@jupyterlab/ui-components';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="8 9 47 47">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161"
    d="M34.45 11.2A22 22 0 1 0 53.3 30.05A16.5 16.5 0 1 1 34.45 11.2z"/>
  <rect class="jp-icon3 jp-icon-selectable" fill="#616161"
    x="30" y="17" width="17.5" height="17.5" rx="4.5"/>
</svg>`;

/** The icon of everything that is ours. */
export const agentbayIcon = new LabIcon({ name: 'agentbay-kernel:agentbay', svgstr: SVG });
