// Open alerts: what is wrong, one command that shows more, what over looks like, and taking an alert over.
import { html } from '../ui.js';
import { change } from '../http.js';
import { isOperator, useNow } from '../live.js';
import { plain, relative, words } from '../format.js';
import { ask } from '../dialog.js';
import { Badge, Panel } from '../panel.js';

// What nobody has taken over comes first, then pages. The error budget says how much, the others why: it comes after them. Of the rest the
// oldest is nearest to the cause.
const order = alert => (alert.state === 'raised' ? 0 : 4) + (alert.severity === 'page' ? 0 : 2) + (alert.kind === 'slo_burn' ? 1 : 0);
const first = (a, b) => order(a) - order(b) || a.id - b.id;

export const Alerts = () => html`
  <${Panel} id="alerts" title="Alerts" section="alerts" size="wide">${alerts => html`<${List} alerts=${alerts.items} />`}</${Panel}>`;

function List({ alerts }) {
  const at = useNow();
  if (!alerts.length) return html`<p class="quiet">No alert is open.</p>`;
  return html`
    <ul class="alerts">
      ${[...alerts].sort(first).map(alert => html`
        <li key=${alert.id} class=${alert.severity}>
          <div>
            <h3><${Badge} level=${alert.state === 'raised' ? (alert.severity === 'page' ? 'failing' : 'degraded') : 'unknown'}>
              ${alert.severity}</${Badge}> ${words(alert.kind)}${alert.subject && html` <code>${alert.subject}</code>`}</h3>
            <p>${alert.cause}</p>
            <details open=${alert.severity === 'page' && alert.state === 'raised'}>
              <summary class="quiet">Raised ${relative(alert.raisedAt, at)}
                ${alert.acknowledgedAt ? `, taken over by ${alert.acknowledgedBy}` : ''}
                <span class="unseen">: ${words(alert.kind)} ${alert.subject}</span></summary>
              <p>Look: <code>${alert.command}</code>. Playbook: <code>${alert.playbook}</code></p>
              <p class="quiet">Over when ${plain(alert.over)}. Seen ${relative(alert.seenAt, at)}.${alert.acknowledgedAt
                ? ` Taken over ${relative(alert.acknowledgedAt, at)}${alert.acknowledgedReason ? `: ${alert.acknowledgedReason}` : ''}.`
                : ''}</p>
            </details>
          </div>
          ${isOperator() && alert.state === 'raised'
            && html`<button type="button"
              onClick=${() => acknowledge(alert)}>Acknowledge<span class="unseen"> ${words(alert.kind)} ${alert.subject}</span></button>`}
        </li>`)}
    </ul>`;
}

const acknowledge = alert => ask({
  title: `Acknowledge ${words(alert.kind)} ${alert.subject}`,
  body: html`<p>${alert.cause}</p><p>You take it over: its message is not repeated. It resolves by itself when ${plain(alert.over)}.</p>`,
  action: 'Acknowledge', reason: 'I look at it',
  run: async reason => {
    await change('POST', `alerts/${alert.id}/acknowledge`, reason);
    return 'Acknowledged.';
  },
});
