// Traffic and latency of each endpoint by minute, with what operators did and which alerts began.
import { html, useMemo, useState } from '../ui.js';
import { data, useLive } from '../live.js';
import { duration, number, percent, words } from '../format.js';
import { Chart } from '../chart.js';
import { Badge, Panel } from '../panel.js';

export const Traffic = () => html`
  <${Panel} id="traffic" title="Traffic and latency" section="slo" size="wide">${slo => html`<${Charts} slo=${slo} />`}</${Panel}>`;

const last = ({ window, servedRate, failedRate, shedRate }) => [
  `last ${window.minutes} min: ${percent(servedRate, 2)} served`, `${percent(failedRate, 2)} failed`, `${percent(shedRate, 2)} shed`,
  ...(window.gapMinutes ? [`${window.gapMinutes} min not recorded`] : []),
].join(', ');

function Charts({ slo }) {
  useLive();
  const [chosen, choose] = useState('/api/chat');
  const endpoint = slo.endpoints.find(each => each.endpoint === chosen) ?? slo.endpoints[0];
  const marks = useMemo(() => events(), [data('timeline'), data('alerts'), data('audit')]);
  const lines = useMemo(() => endpoint && byMinute(endpoint, slo.until), [slo, chosen]);
  if (!endpoint) return html`<p class="quiet">No endpoint is measured.</p>`;
  const reasons = Object.entries(endpoint.reasons).sort((a, b) => b[1] - a[1]).slice(0, 6);
  return html`
    <div class="row">
      <label for="endpoint">Endpoint</label>
      <select id="endpoint" value=${endpoint.endpoint} onChange=${event => choose(event.target.value)}>
        ${slo.endpoints.map(each => html`<option value=${each.endpoint}>${each.endpoint}</option>`)}</select>
      <${Badge} level=${{ ok: 'ok', warning: 'degraded', critical: 'failing' }[endpoint.level] ?? 'unknown'}>${endpoint.level}</${Badge}>
      <span class="quiet">${last(endpoint)}</span>
    </div>
    <div class="charts" key=${endpoint.endpoint}>
      <${Chart} title="Requests per minute" times=${lines.times} unit=${number} marks=${marks} series=${[
        { name: 'served', values: lines.served }, { name: 'failed', values: lines.failed, dash: [6, 3] },
          { name: 'shed', values: lines.shed, dash: [2, 3] }]} />
      <${Chart} title="First token, 95th percentile" times=${lines.times} unit=${duration} marks=${marks}
        series=${[{ name: 'p95', values: lines.firstToken }]} />
      <${Chart} title="Completion, 95th percentile" times=${lines.times} unit=${duration} marks=${marks}
        series=${[{ name: 'p95', values: lines.completion }]} />
    </div>
    ${reasons.length > 0
      && html`<p class="quiet">Not served in the hour: ${reasons.map(([reason, count]) => `${words(reason)} ${number(count)}`)
        .join(', ')}</p>`}`;
}

/** A value for every minute of the hour. A minute that no replica recorded is a gap, never a zero. */
function byMinute(endpoint, until) {
  const end = Math.floor(new Date(until).getTime() / 60_000) * 60;
  const known = new Map(endpoint.minutes.map(minute => [new Date(minute.at).getTime() / 1000, minute]));
  const first = endpoint.minutes.length ? Math.max(end - 3600, Math.min(...known.keys())) : end;
  const times = [];
  for (let time = first; time < end; time += 60) times.push(time);
  const values = read => times.map(time => (known.has(time) ? read(known.get(time)) ?? null : null));
  return {
    times,
    served: values(minute => minute.served), failed: values(minute => minute.failed), shed: values(minute => minute.shed),
    firstToken: values(minute => minute.p95FirstTokenMs), completion: values(minute => minute.p95CompletionMs),
  };
}

const events = () => data('timeline')?.items.map(each => ({ at: seconds(each.at), text: `${words(each.kind)}: ${each.subject}` })) ?? [
  ...(data('alerts')?.items ?? []).map(alert => ({ at: seconds(alert.raisedAt), text: `alert: ${words(alert.kind)} ${alert.subject}` })),
  ...(data('audit')?.items ?? []).map(entry => ({ at: seconds(entry.at), text: `${entry.action} ${entry.target}` })),
];

const seconds = time => new Date(time).getTime() / 1000;
