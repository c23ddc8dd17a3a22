// The lanes of the tool queue: what waits and for how long, what runs, what is dead.
import { html } from '../ui.js';
import { duration, number } from '../format.js';
import { Bar, Panel, Table } from '../panel.js';

const busy = lane => lane.counts.deadLetter * 1e9 + lane.pressure.oldestQueuedAgeMs + lane.pressure.due + lane.counts.running;

export const Lanes = () => html`
  <${Panel} id="lanes" title="Lanes of the tool queue" section="snapshot" size="wide">${({ toolJobs: jobs, config }) => {
    const lanes = Object.entries(jobs.pressureByTool).map(([tool, pressure]) => ({ tool, pressure, counts: jobs.byTool[tool] }))
      .sort((a, b) => busy(b) - busy(a) || a.tool.localeCompare(b.tool));
    return html`
      <${Table} label="Lanes"
        head=${['lane', '#due', '#limit', 'full', '#oldest', '#running', '#limit', '#oldest', '#done', '#failed', '#dead']}>
        ${lanes.map(({ tool, pressure, counts }) => html`
          <tr key=${tool} class=${busy({ pressure, counts }) ? '' : 'idle'}>
            <th scope="row">${tool} <span class="quiet">${pressure.qosClass}</span></th>
            <td class="n">${number(pressure.due)}
              ${pressure.overCap > 0 && html` <span class="bad">${number(pressure.overCap)} over</span>`}</td>
              <td class="n">${number(config.toolJobs.maxQueuedByTool[tool])}</td>
            <td><${Bar} label=${`${tool}: due jobs against the limit`} value=${pressure.queuedUtilization} max=${1} /></td>
            <td class=${`n${pressure.oldestQueuedAgeMs > config.toolJobs.waitTimeoutMs ? ' bad' : ''}`}>
              ${age(pressure.oldestQueuedAgeMs)}</td>
            <td class="n">${number(counts.running)}</td><td class="n">${number(config.toolJobs.maxRunningByTool[tool])}</td>
              <td class="n">${age(pressure.oldestRunningAgeMs)}</td>
            <td class="n">${number(counts.completed)}</td><td class="n">${number(counts.failed)}</td>
            <td class=${`n${counts.deadLetter ? ' bad' : ''}`}>
              ${counts.deadLetter ? html`<a href=${`#/dead-letters?tool=${tool}`}>${number(counts.deadLetter)}</a>` : '0'}</td>
          </tr>`)}
      </${Table}>`;
  }}</${Panel}>`;

const age = ms => (ms > 0 ? duration(ms) : '–');
