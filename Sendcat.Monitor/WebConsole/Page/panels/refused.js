// Who is refused most: the first look when one caller floods.
import { html } from '../ui.js';
import { number, words } from '../format.js';
import { Panel, Table } from '../panel.js';

export const Refused = () => html`
  <${Panel} id="refused" title="Refused callers, 5 min" section="conditions">${({ callers }) => (callers.length
    ? html`<${Table} label="Callers who are refused" head=${['caller', 'limit', '#refused']}>
        ${callers.slice(0, 8)
          .map(each => html`
            <tr key=${each.caller + each.bucket + each.outcome}><th scope="row"><code>${each.caller}</code></th>
              <td>${words(each.bucket)}</td><td class="n">${number(each.hits)}</td></tr>`)}
      </${Table}>`
    : html`<p class="quiet">Nobody is refused.</p>`)}</${Panel}>`;
