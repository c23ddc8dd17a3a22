// Who uses most, by hashed principal and by address, who is refused, and blocks of single callers.
import { html, useEffect, useState } from '../ui.js';
import { change, query, read } from '../http.js';
import { isOperator, useLive, useNow } from '../live.js';
import { duration, money, number, plural, relative } from '../format.js';
import { ask } from '../dialog.js';
import { Badge, Table } from '../panel.js';
import { Refused } from '../panels/refused.js';

const EveryMs = 10_000;
const Shown = 25;
const measures = ['cost', 'tokens', 'turns', 'jobs', 'refusals'];
const windows = { 5: 'last 5 minutes', 15: 'last 15 minutes', 60: 'last hour', 1440: 'last day' };

export const Callers = () => html`<div class="panels"><${Top} /><${Refused} /></div>`;

function Top() {
  useLive();
  const at = useNow();
  const [by, setBy] = useState('cost');
  const [minutes, setMinutes] = useState('15');
  const [other, setOther] = useState('');
  const [round, setRound] = useState(0);
  const [result, setResult] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    let wanted = true;
    // The response to an earlier request is dropped, however late it comes.
    const load = () => read(`callers${query({ by, minutes })}`)
      .then(callers => { if (wanted) { setResult(callers); setProblem(null); } })
      .catch(refused => { if (wanted) setProblem(refused.message); });
    load();
    const timer = setInterval(load, EveryMs);
    return () => { wanted = false; clearInterval(timer); };
  }, [by, minutes, round]);
  const again = () => setRound(last => last + 1);

  return html`
    <section class="panel wide" aria-labelledby="callers" data-panel="callers">
      <header><h2 id="callers">Callers who use most</h2>
        ${problem && html`
          <p class="old" role="status">${problem}${result ? `: ${duration(at - new Date(result.generatedAt))} old` : ''}</p>`}</header>
      <form class="filter" onSubmit=${event => event.preventDefault()}>
        <div><label for="callers-by">Most</label>
          <select id="callers-by" value=${by} onChange=${event => setBy(event.target.value)}>
            ${measures.map(each => html`<option value=${each}>${each}</option>`)}</select></div>
        <div><label for="callers-in">In the</label>
          <select id="callers-in" value=${minutes} onChange=${event => setMinutes(event.target.value)}>
            ${Object.entries(windows).map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select></div>
      </form>
      ${isOperator() && html`
        <form class="filter" onSubmit=${event => { event.preventDefault(); if (other.trim()) block(other.trim(), again); }}>
          <div><label for="callers-other">Another caller</label>
            <input id="callers-other" value=${other} autocomplete="off" spellcheck=${false} placeholder="address or session:#…"
              onInput=${event => setOther(event.target.value)} /></div>
          <div class="buttons"><button type="submit" class="plain" disabled=${!other.trim()}>Block this caller</button></div>
        </form>`}
      ${result ? html`<${List} result=${result} again=${again} />` : !problem && html`<p class="quiet">Loading…</p>`}
    </section>`;
}

function List({ result, again }) {
  const at = useNow();
  const operator = isOperator();
  const changes = operator ? ['change'] : [];
  return html`
    ${result.items.length
      ? html`<${Table} label="Callers who use most" head=${['caller', '#turns', '#jobs', '#refusals', '#tokens', '#cost', ...changes]}>
          ${result.items.slice(0, Shown).map(each => html`
            <tr key=${each.caller}>
              <th scope="row"><code>${each.caller}</code>${each.blockedUntil && html` <${Badge} level="degraded">blocked</${Badge}>`}</th>
              <td class="n">${number(each.turns)}</td><td class="n">${number(each.jobs)}</td><td class="n">${number(each.refusals)}</td>
                <td class="n">${number(each.tokens)}</td>
              <td class="n">${money(each.usd)}
                ${each.unpricedTurns ? html` <span class="quiet">${plural(each.unpricedTurns, 'turn')} without a price</span>` : ''}</td>
              ${operator && html`<td class="buttons">${each.blockedUntil
                ? html`<button type="button" class="plain"
                  onClick=${() => unblock(each.caller, again)}>Unblock<span class="unseen"> ${each.caller}</span></button>`
                : html`<button type="button" class="plain"
                  onClick=${() => block(each.caller, again)}>Block<span class="unseen"> ${each.caller}</span></button>`}</td>`}
            </tr>`)}
        </${Table}>`
      : html`<p class="quiet">Nobody used anything.</p>`}
    ${result.items.length > Shown && html`<p class="quiet">${plural(result.items.length - Shown, 'caller')} more: ./sendcat callers</p>`}
    <h3>Blocked</h3>
    ${result.blocked.length
      ? html`<${Table} label="Blocked callers" head=${['caller', 'ends', 'by', 'reason', ...changes]}>
          ${result.blocked.map(each => html`
            <tr key=${each.caller}><th scope="row"><code>${each.caller}</code></th>
              <td><time datetime=${each.until} title=${each.until}>${relative(each.until, at)}</time></td><td>${each.blockedBy}</td>
              <td>${each.reason}</td>
              ${operator && html`
                <td class="buttons">
                  <button type="button" class="plain"
                    onClick=${() => unblock(each.caller, again)}>Unblock<span class="unseen"> ${each.caller}</span></button></td>`}</tr>`)}
        </${Table}>`
      : html`<p class="quiet">Nobody is blocked.</p>`}`;
}

const block = (caller, again) => ask({
  title: `Block ${caller}`, action: 'Block', danger: true,
  body: html`<p>Its new turns get 429 on all replicas within five seconds. Turns that run go on, and reads stay possible.
    An address may have many users behind it.</p>`,
  field: { label: 'Minutes', type: 'number', value: '15', hint: '1 to 10080; then the block ends by itself.' },
  run: async (reason, minutes) => {
    const blocked = await change('POST', 'callers/block', reason, { caller, minutes: Number(minutes) });
    again();
    return { text: `${blocked.caller} is blocked for ${minutes} min.`,
      undo: { label: 'Unblock', run: () => unblock(blocked.caller, again) } };
  },
});

const unblock = (caller, again) => ask({
  title: `Unblock ${caller}`, action: 'Unblock', body: html`<p>Its turns are accepted again on all replicas within five seconds.</p>`,
  run: async reason => {
    await change('POST', 'callers/unblock', reason, { caller });
    again();
    return `${caller} is not blocked any more.`;
  },
});
