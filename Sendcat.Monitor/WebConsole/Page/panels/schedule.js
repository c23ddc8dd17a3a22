// Scheduled jobs: the last run, the next one, and running one now.
import { html } from '../ui.js';
import { change } from '../http.js';
import { isOperator, useNow } from '../live.js';
import { duration, relative } from '../format.js';
import { ask } from '../dialog.js';
import { Badge, Panel, Table } from '../panel.js';

export const Schedule = () => html`
  <${Panel} id="schedule" title="Scheduled jobs" section="schedule" size="wide">
    ${schedule => html`<${List} jobs=${schedule.items} />`}</${Panel}>`;

function List({ jobs }) {
  const at = useNow();
  if (!jobs.length) return html`<p class="quiet">No tool worker has registered a job.</p>`;
  return html`
    <${Table} label="Scheduled jobs" head=${['job', 'last run', 'result', 'next run', ...(isOperator() ? ['change'] : [])]}>
      ${[...jobs].sort((a, b) => b.failures - a.failures || a.name.localeCompare(b.name)).map(job => html`
        <tr key=${job.name}>
          <th scope="row">${job.name} <span class="quiet">${job.description}</span></th>
          <td>${job.running ? html`<${Badge} level="ok">running</${Badge}>` : relative(job.lastEndedAt, at)} <span class="quiet">
            ${job.lastDurationMs !== undefined ? duration(job.lastDurationMs) : ''}</span></td>
          <td>${job.lastOutcome
            ? html`<${Badge} level=${job.lastOutcome === 'succeeded' ? 'ok' : 'failing'}>${job.lastOutcome}
              ${job.failures > 1 ? ` ${job.failures} times` : ''}</${Badge}> <span class="cut" title=${job.lastResult}>
              ${job.lastResult}</span>`
            : html`<span class="quiet">never ran</span>`}</td>
          <td>${job.requestedAt ? 'requested' : relative(job.nextRunAt, at)}</td>
          ${isOperator()
            && html`<td class="buttons">
              <button type="button" class="plain" disabled=${job.running || Boolean(job.requestedAt)}
                onClick=${() => run(job)}>Run now<span class="unseen"> ${job.name}</span></button></td>`}
        </tr>`)}
    </${Table}>`;
}

const run = job => ask({
  title: `Run ${job.name} now`, action: 'Run now', body: html`<p>${job.description} A tool worker begins within seconds.</p>`,
  run: async reason => {
    await change('POST', `schedule/${encodeURIComponent(job.name)}/run`, reason);
    return `${job.name} is requested.`;
  },
});
