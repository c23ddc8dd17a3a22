// One turn as a timeline, found by any id: what happened, how long each part took, and what it waits for now.
import { html, useEffect, useRef, useState } from '../ui.js';
import { query, read } from '../http.js';
import { useNow } from '../live.js';
import { clock, dayAndTime, duration, money, number, relative, words } from '../format.js';
import { Badge, Table } from '../panel.js';

const levels = { streaming: 'degraded', completed: 'ok', error: 'failing', aborted: 'unknown' };
const tokens = used => (used === undefined || used === null ? '–' : typeof used === 'object'
  ? number(Object.values(used).find(Number.isFinite)) : number(used));

export function Turns({ search }) {
  const [id, setId] = useState(search.id ?? '');
  const [found, setFound] = useState(null);
  const [turn, setTurn] = useState(null);
  const [problem, setProblem] = useState(null);

  const attempt = async action => {
    try {
      await action();
      setProblem(null);
    } catch (refused) {
      setProblem(refused.status === 404 && !refused.code?.includes('turn')
        ? 'No such turn, or turns are not available in this version of the API.' : refused.message);
    }
  };
  const open = row => attempt(async () => setTurn(await read(`turns/${encodeURIComponent(row.id)}`)));
  const searches = useRef(0);
  const find = () => attempt(async () => {
    const search = ++searches.current;
    const page = await read(`turns${query({ id: id.trim() })}`);
    // The response to an earlier search is dropped, however late it comes.
    if (search !== searches.current) return;
    setFound(page);
    setTurn(null);
    if (id.trim() && page.items.length === 1) await open(page.items[0]);
  });
  useEffect(() => { find(); }, []);
  useEffect(() => {
    if (turn?.status !== 'streaming') return undefined;
    const timer = setInterval(() => open(turn), 2000);
    return () => clearInterval(timer);
  }, [turn]);

  return html`
    <section class="panel wide" aria-labelledby="turns" data-panel="turns">
      <header><h2 id="turns">Find a turn</h2></header>
      <form class="filter" role="search" onSubmit=${event => { event.preventDefault(); find(); }}>
        <div class="grow"><label for="turn-id">Stream, thread, message or trace id</label>
          <input id="turn-id" type="search" value=${id} autocomplete="off" spellcheck=${false}
            onInput=${event => setId(event.target.value)} /></div>
        <div class="buttons"><button type="submit">Find</button></div>
      </form>
      ${problem && html`<p class="quiet" role="status">${problem}</p>`}
      ${found && (found.items.length
        ? html`<${Table} label=${id.trim() ? 'Turns that match' : 'The newest turns'}
          head=${['started (UTC)', 'state', '#first token', '#duration', 'model', 'principal', '#tokens', '#cost', 'timeline']}>
            ${found.items.map(row => html`
              <tr key=${row.id} class=${turn?.id === row.id ? 'chosen' : ''}>
                <th scope="row" class="nowrap">${dayAndTime(row.startedAt)}</th>
                  <td><${Badge} level=${levels[row.status]}>${row.status}</${Badge}> <span class="quiet">
                    ${row.status === 'completed' ? '' : words(row.endReason)}</span></td>
                <td class="n">${duration(row.firstTokenMs)}</td><td class="n">${duration(row.durationMs)}</td><td>${row.model}</td>
                  <td><code>${row.principal}</code></td><td class="n">${tokens(row.tokens)}</td><td class="n">${money(row.costUsd)}</td>
                <td><button type="button" class="plain" onClick=${() => open(row)}>Open<span class="unseen"> ${row.id}</span></button></td>
              </tr>`)}
          </${Table}>`
        : html`<p class="quiet" role="status">No turn matches.</p>`)}
    </section>
    ${turn && html`<${Turn} turn=${turn} />`}`;
}

function Turn({ turn }) {
  const at = useNow();
  const whole = Math.max(turn.durationMs, 1, ...turn.events.map(event => event.offsetMs));
  return html`
    <section class="panel wide" aria-labelledby="turn" data-panel="turn">
      <header><h2 id="turn">Turn <code>${turn.id}</code> <${Badge} level=${levels[turn.status]}>${turn.status}</${Badge}></h2></header>
      ${turn.waitsFor
        && html`<p class="waits" role="status"><b>Now:</b> ${turn.waitsFor.text}
          ${turn.waitsFor.since ? ` (since ${relative(turn.waitsFor.since, at)})` : ''}</p>`}
      ${turn.replicaLives === false && turn.status === 'streaming' && html`<p class="bad">Its replica is dead.</p>`}
      <dl class="pairs">
        <dt>Thread, message</dt><dd><code>${turn.threadId}</code> <code>${turn.messageId}</code></dd>
        <dt>Trace, replica</dt><dd><code>${turn.traceId ?? '–'}</code> <code>${turn.replicaId}</code></dd>
        <dt>Tokens, cost</dt><dd>${tokens(turn.tokens)}, ${money(turn.costUsd)}</dd>
        ${turn.gate && html`<dt>Gate</dt>
          <dd>${turn.gate.mode}
            ${turn.gate.local ? ', decided without Redis' : ''}: ${(turn.gate.dimensions ?? [])
              .map(each => html`
                <${Badge} level=${each.verdict === 'passed' ? 'ok' : 'degraded'}>
                  ${words(each.name)} ${each.used ?? '?'} of ${each.limit}</${Badge}> `)}</dd>`}
      </dl>
      <ol class="timeline">
        ${turn.events.map((event, index) => html`
          <li key=${index} class=${`event ${event.kind}`}>
            <span class="when">+${duration(event.offsetMs)} <span class="quiet">${clock(event.at)}</span></span>
            <progress value=${event.offsetMs} max=${whole} aria-hidden="true"></progress>
            <span><b>${event.title}</b>
              ${event.detail && !(event.kind === 'gate' && turn.gate) && html` <span class="quiet">${event.detail}</span>`}</span>
          </li>`)}
      </ol>
      ${turn.calls?.length > 0 && html`
        <${Table} label="Calls of models" head=${['step', 'route', 'model', '#first token', 'ended', 'attempts']}>
          ${turn.calls.map(call =>
            html`<tr key=${call.step}><th scope="row">${call.step}</th><td>${call.route}</td><td>${call.model}</td>
              <td class="n">${duration(call.firstTokenMs)}</td><td>${call.finishReason ?? '–'}</td>
            <td>${call.attempts?.map(each =>
              html`<${Badge} level=${each.outcome === 'chosen' ? 'ok' : 'failing'}>${each.route}: ${each.outcome}
                ${each.code ? ` ${words(each.code)}` : ''}</${Badge}> `)}</td></tr>`)}
        </${Table}>`}
      ${turn.tools?.length > 0 && html`
        <${Table} label="Tools" head=${['tool', 'from', '#took', 'job', '#attempts', 'result']}>
          ${turn.tools.map(tool =>
            html`<tr key=${tool.callId}><th scope="row">${tool.name}</th><td>${words(tool.source)}${tool.joined ? ', joined' : ''}</td>
              <td class="n">${tool.endedAt ? duration(new Date(tool.endedAt) - new Date(tool.at)) : 'runs'}</td>
            <td>${tool.jobId && html`<code>${tool.jobId}</code>`}</td><td class="n">${number(tool.job?.attempts)}</td>
              <td>${tool.backpressure ? 'lane was full' : tool.failed ? 'failed' : words(tool.job?.status ?? 'done')} <span class="quiet">
                ${tool.job?.error}</span></td></tr>`)}
        </${Table}>`}
    </section>`;
}
