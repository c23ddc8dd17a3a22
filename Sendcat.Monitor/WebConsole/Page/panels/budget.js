// Error budgets and how fast they burn.
import { html } from '../ui.js';
import { duration, number, percent, plural, words } from '../format.js';
import { Badge, Bar, Panel, Table } from '../panel.js';

export const Budget = () => html`
  <${Panel} id="budget" title="Error budget and burn" section="slo" size="wide">${slo => {
    const judged = slo.objectives.filter(objective => objective.budget.total > 0).sort((a, b) => (a.budgetLeft ?? 1) - (b.budgetLeft ?? 1));
    const silent = slo.objectives.length - judged.length;
    return html`
      <p class="quiet">Tier ${slo.tier}, ${slo.budgetDays} days${silent > 0 ? `; ${plural(silent, 'objective')} had no request`
        : ''}. Burn 1 spends exactly the budget.</p>
      ${judged.length > 0 && html`
        <${Table} label="Objectives" head=${['endpoint', 'promise', '#bad', '#of', '#budget left', 'left', '#burn now', 'alerts']}>
          ${judged.map(each => html`
            <tr key=${each.endpoint + each.indicator}>
              <th scope="row">${each.endpoint}</th>
                <td>${percent(each.target, 2)} ${words(each.indicator)}${each.thresholdMs ? ` ≤ ${duration(each.thresholdMs)}` : ''}</td>
              <td class="n">${number(each.budget.bad)}</td><td class="n">${number(each.budget.total)}</td>
              <td class=${`n${each.budgetLeft < 0.2 ? ' bad' : ''}`}>${percent(each.budgetLeft, 1)}</td>
              <td><${Bar} plain label=${`Budget of ${each.endpoint} ${each.indicator} that is left`}
                value=${Math.max(0, each.budgetLeft ?? 1)} max=${1} /></td>
              <td class="n">${burn(each)}</td><td>${firing(each)}</td>
            </tr>`)}
        </${Table}>`}`;
  }}</${Panel}>`;

/** The burn in the shortest window of an alert that has one. */
function burn(objective) {
  const windows = objective.alerts.map(alert => alert.short ?? alert.long)
    .filter(window => window.rate !== undefined && window.rate !== null).sort((a, b) => a.minutes - b.minutes);
  return windows.length ? `${windows[0].rate.toFixed(1)} in ${windows[0].minutes} min` : '–';
}

const firing = objective => {
  const alerts = objective.alerts.filter(alert => alert.state === 'firing');
  return alerts.length
    ? alerts.map(alert => html`<${Badge} level=${alert.severity === 'page' ? 'failing' : 'degraded'}>${words(alert.name)}</${Badge}> `)
    : html`<span class="quiet">quiet</span>`;
};
