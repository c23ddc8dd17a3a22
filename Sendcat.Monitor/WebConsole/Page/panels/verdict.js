// The verdict on the turns of the last minute with its cause, above everything else.
import { html } from '../ui.js';
import { data, useLive } from '../live.js';
import { number } from '../format.js';

/** The worst of what is known: the level (a colour), one word, and a sentence. */
export function judge() {
  const { connected, sections } = useLive();
  const [health, apis] = [sections.health, sections.apis?.data];
  if (!health) return { level: 'unknown', word: connected ? 'loading' : 'unknown', text: 'Nothing is known yet.' };
  if (!connected) return { level: 'unknown', word: 'unknown', text: 'The Monitor does not respond. What is shown here is old.' };
  if (health.status === 0 || !health.data?.verdict) return { level: 'down', word: 'down',
    text: `${health.problem ?? 'The API does not respond'}.` };
  const down = apis?.apis?.filter(api => api.latest.state === 'down') ?? [];
  const { verdict, cause, lastMinute } = health.data;
  const text = [lastMinute?.text ?? '', ...down.map(api => `${api.address} does not respond.`)].join(' ');
  return down.length && verdict === 'ok' ? { level: 'degraded', word: 'degraded', text, cause: 'replica' }
    : { level: { ok: 'ok', degraded: 'degraded' }[verdict] ?? 'failing', word: verdict, text, cause };
}

export function Verdict() {
  const verdict = judge();
  const minute = data('health')?.lastMinute;
  return html`
    <section class=${`verdict ${verdict.level}`} aria-labelledby="verdict" data-panel="verdict">
      <h2 id="verdict">${verdict.word}${verdict.cause && html` <span>because of: ${verdict.cause}</span>`}</h2>
      <p class="cause" role="status">${verdict.text}</p>
      ${minute && html`
        <dl class="figures">
          <${Figure} name="turns in the last minute" value=${minute.turns} />
          <${Figure} name="failed" value=${minute.failed} bad=${minute.failed} />
          <${Figure} name="refused" value=${minute.refused} bad=${minute.refused} />
          <${Figure} name="late first token" value=${minute.late} bad=${minute.late} />
          <${Figure} name="without a tool" value=${minute.partial} bad=${minute.partial} />
          <${Figure} name="waiting too long now" value=${minute.waiting} bad=${minute.waiting} />
        </dl>`}
    </section>`;
}

const Figure = ({ name, value, bad }) => html`<div class=${bad ? 'bad' : ''}><dt>${name}</dt><dd>${number(value)}</dd></div>`;

