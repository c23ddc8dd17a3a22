// Who uses most: callers by turns, jobs, refusals and tokens.
import { html } from '../ui.js';
import { Refused } from '../panels/refused.js';

export const Callers = () => html`<div class="panels"><${Refused} /></div>`;
