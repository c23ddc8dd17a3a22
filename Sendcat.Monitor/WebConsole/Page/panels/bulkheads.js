// Slots in use of each provider, over all replicas.
import { html } from '../ui.js';
import { number } from '../format.js';
import { Bar, Panel, Table } from '../panel.js';

export const Bulkheads = () => html`
  <${Panel} id="bulkheads" title="Bulkheads" section="bulkheads">${bulkheads => html`
    <${Table} label="Slots in use" head=${['provider', '#in use', '#limit', 'share']}>
      ${[...bulkheads.items].sort((a, b) => b.inFlight / b.maxConcurrent - a.inFlight / a.maxConcurrent
        || a.provider.localeCompare(b.provider))
        .map(each => html`
        <tr key=${each.provider}>
          <th scope="row">${each.provider}</th><td class="n">${number(each.inFlight)}</td><td class="n">${number(each.maxConcurrent)}</td>
          <td><${Bar} label=${`Slots of ${each.provider} in use`} value=${each.inFlight} max=${each.maxConcurrent} /></td>
        </tr>`)}
    </${Table}>`}</${Panel}>`;
