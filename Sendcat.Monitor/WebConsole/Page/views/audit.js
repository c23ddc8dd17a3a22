// What operators changed, with their reasons.
import { html, useEffect, useState } from '../ui.js';
import { query, read } from '../http.js';
import { data, useLive } from '../live.js';
import { dayAndTime } from '../format.js';
import { Table } from '../panel.js';

export function Audit() {
  useLive();
  const [older, setOlder] = useState([]);
  const [next, setNext] = useState(undefined);
  const [problem, setProblem] = useState(null);
  const latest = data('audit');
  useEffect(() => { if (latest && next === undefined) setNext(latest.nextCursor ?? null); }, [latest]);
  const more = async () => {
    try {
      const page = await read(`audit${query({ limit: 50, cursor: next })}`);
      setOlder([...older, ...page.items]);
      setNext(page.nextCursor ?? null);
    } catch (refused) {
      setProblem(refused.message);
    }
  };
  const rows = [...(latest?.items ?? []), ...older];
  return html`
    <section class="panel wide" aria-labelledby="audit" data-panel="audit">
      <header><h2 id="audit">Changes by operators</h2></header>
      ${rows.length
        ? html`<${Table} label="Changes by operators" head=${['time (UTC)', 'who', 'change', 'before', 'after', 'reason']}>
            ${rows.map(row =>
              html`<tr><td class="nowrap">${dayAndTime(row.at)}</td><td>${row.actor}</td>
                <th scope="row">${row.action} <code>${row.target}</code></th><td><span class="cut">${row.before}</span></td>
                <td><span class="cut">${row.after}</span></td><td>${row.reason}</td></tr>`)}
          </${Table}>`
        : html`<p class="quiet">${latest ? 'No operator has changed anything.' : 'Loading…'}</p>`}
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      ${next && html`<p><button type="button" class="plain" onClick=${more}>Show older</button></p>`}
    </section>`;
}
