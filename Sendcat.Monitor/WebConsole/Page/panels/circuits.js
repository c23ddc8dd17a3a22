// Circuits of all providers, those that are not closed first.
import { html } from '../ui.js';
import { change } from '../http.js';
import { isOperator, useNow } from '../live.js';
import { number, relative } from '../format.js';
import { ask } from '../dialog.js';
import { Badge, Panel, Table } from '../panel.js';

const rank = { open: 0, half_open: 1, closed: 2 };

export const Circuits = () => html`
  <${Panel} id="circuits" size="two" title="Circuits" section="circuits">
    ${circuits => html`<${List} circuits=${circuits.items} />`}</${Panel}>`;

function List({ circuits }) {
  const at = useNow();
  const operator = isOperator();
  const sorted = [...circuits].sort((a, b) => rank[a.state] - rank[b.state] || a.provider.localeCompare(b.provider));
  return html`
    <${Table} label="Circuits" head=${['provider', 'state', '#failures', 'last error', ...(operator ? ['change'] : [])]}>
      ${sorted.map(circuit => html`
        <tr key=${circuit.provider}>
          <th scope="row">${circuit.provider}</th>
          <td><${Badge} level=${{ closed: 'ok', half_open: 'degraded', open: 'failing' }[circuit.state]}>
            ${circuit.state.replace('_', '-')}</${Badge}>
            ${circuit.suspended && html` <span class="quiet nowrap">by ${circuit.suspended}</span>`}
              ${circuit.state !== 'closed' && circuit.cooldownUntil
                && html` <span class="quiet nowrap">probe ${relative(circuit.cooldownUntil, at)}</span>`}</td>
          <td class="n">${number(circuit.failureCount)}</td>
          <td>${circuit.lastError
            ? html`<span class="cut" title=${circuit.lastError}>${circuit.lastError}</span> <span class="quiet">
              ${relative(circuit.lastFailureAt, at)}</span>`
            : html`<span class="quiet">none</span>`}</td>
          ${operator && html`<td class="buttons">
            ${circuit.state !== 'closed'
              && html`<button type="button" class="plain"
                onClick=${() => close(circuit)}>Close<span class="unseen"> ${circuit.provider}</span></button>`}
            ${circuit.suspended !== 'operator'
              && html`<button type="button" class="plain"
                onClick=${() => isolate(circuit)}>Isolate<span class="unseen"> ${circuit.provider}</span></button>`}
          </td>`}
        </tr>`)}
    </${Table}>`;
}

const close = circuit => ask({
  title: `Close the circuit of ${circuit.provider}`, action: 'Close the circuit',
  body: html`<p>All replicas call ${circuit.provider} again at once. If it still fails, the circuit opens again.</p>`,
  run: async reason => {
    const { shared } = await change('POST', `circuits/${circuit.provider}/close`, reason);
    return shared ? `The circuit of ${circuit.provider} is closed.` : 'Closed on one replica alone: Redis does not respond.';
  },
});

const isolate = circuit => ask({
  title: `Isolate ${circuit.provider}`, action: 'Isolate', danger: true,
  body: html`<p>Nothing calls ${circuit.provider} until the time is over or somebody closes the circuit.
    Turns use another route, or go on without the tool.</p>`,
  field: { label: 'Seconds', type: 'number', value: '900', hint: '1 to 86400; then one probe decides.' },
  run: async (reason, seconds) => {
    await change('POST', `circuits/${circuit.provider}/isolate?seconds=${encodeURIComponent(seconds)}`, reason);
    return { text: `${circuit.provider} is isolated for ${seconds} s.`, undo: { label: 'Close the circuit', run: () => close(circuit) } };
  },
});
