// The incident as a timeline: circuits, processes, stores, knobs, alerts and operators, and the same as a file.
import { html, useEffect, useRef, useState } from '../ui.js';
import { query, read } from '../http.js';
import { now } from '../live.js';
import { dayAndTime, plain, words } from '../format.js';
import { Badge, Table } from '../panel.js';

const spans = { 15: '15 min', 60: '1 hour', 360: '6 hours', 1440: '1 day' };
const levels = { circuit_opened: 'failing', process_died: 'failing', redis_data_lost: 'failing', alert_raised: 'failing',
  alert_reopened: 'failing', circuit_closed: 'ok', alert_resolved: 'ok', knob: 'degraded', operator: 'degraded' };

export function Timeline() {
  const [minutes, setMinutes] = useState('60');
  const [page, setPage] = useState(null);
  const [problem, setProblem] = useState(null);
  const from = () => new Date(now() - minutes * 60_000).toISOString();

  const shown = useRef(minutes);
  shown.current = minutes;
  const load = async (cursor = null) => {
    try {
      const got = await read(`timeline${query({ from: from(), cursor })}`);
      // The response for an earlier span is dropped, however late it comes.
      if (shown.current !== minutes) return;
      setPage(before => ({ items: cursor ? [...before.items, ...got.items] : got.items, next: got.nextCursor, older: Boolean(cursor) }));
      setProblem(null);
    } catch (refused) {
      setProblem(refused.status === 404 ? 'Not available in this version of the API.' : refused.message);
    }
  };
  useEffect(() => { load(); }, [minutes]);
  // Who reads older entries is not taken back to the newest.
  useEffect(() => {
    if (page?.older) return undefined;
    const timer = setInterval(load, 10_000);
    return () => clearInterval(timer);
  }, [minutes, page?.older]);

  return html`
    <section class="panel wide" aria-labelledby="timeline" data-panel="timeline">
      <header><h2 id="timeline">What happened</h2></header>
      <form class="filter" onSubmit=${event => event.preventDefault()}>
        <div><label for="span">In the last</label>
          <select id="span" value=${minutes} onChange=${event => setMinutes(event.target.value)}>
            ${Object.entries(spans).map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select></div>
        <div class="buttons">
          <a class="button plain" download href=${`/api/ops/timeline${query({ from: from(), format: 'markdown' })}`}>Save as Markdown</a>
          <a class="button plain" download href=${`/api/ops/timeline${query({ from: from(), format: 'csv' })}`}>Save as CSV</a></div>
      </form>
      ${problem && html`<p class="quiet" role="status">${problem}</p>`}
      ${page && (page.items.length
        ? html`<${Table} label="What happened, the newest first" head=${['time (UTC)', 'what', 'of', 'happened', 'by']}>
            ${page.items.map(each =>
              html`<tr key=${each.id}><th scope="row" class="nowrap">${dayAndTime(each.at)}</th>
                <td><${Badge} level=${levels[each.kind] ?? 'unknown'}>${words(each.kind)}</${Badge}></td>
                <td><code>${each.subject}</code></td><td>${each.title} <span class="quiet">${plain(each.detail)}</span></td>
                <td>${each.actor} <span class="quiet">${each.reason}</span></td></tr>`)}
          </${Table}>
          ${page.next && html`<p><button type="button" class="plain" onClick=${() => load(page.next)}>Show older</button></p>`}`
        : html`<p class="quiet">Nothing happened.</p>`)}
    </section>`;
}
