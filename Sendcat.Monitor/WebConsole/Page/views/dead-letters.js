// Dead letters: groups, a search, and requeue or discard of some or of all that match, as a job of the server.
import { html, useEffect, useRef, useState } from '../ui.js';
import { change, query, read } from '../http.js';
import { data, isOperator, now, useLive, useNow } from '../live.js';
import { duration, number, plural, relative, words } from '../format.js';
import { ask, notify } from '../dialog.js';
import { Badge, Table } from '../panel.js';

const Path = 'tool-jobs/dead-letters';
const ages = { '': 'any time', 'after:15': 'in the last 15 min', 'after:60': 'in the last hour', 'after:1440': 'in the last day',
  'before:60': 'over an hour ago', 'before:1440': 'over a day ago' };
const empty = { tool: '', principal: '', arguments: '', fingerprint: '', age: '' };

/** The filters of the API. The age becomes a time once, at the search, so that what is confirmed is what was seen. */
function filterOf({ age, ...values }) {
  const [kind, minutes] = age.split(':');
  const time = minutes && new Date(now() - minutes * 60_000).toISOString();
  const set = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
  return { ...set, ...(kind === 'after' && { diedAfter: time }), ...(kind === 'before' && { diedBefore: time }) };
}

export function DeadLetters({ search }) {
  useLive();
  const [form, setForm] = useState({ ...empty, ...search });
  const [filter, setFilter] = useState(() => filterOf({ ...empty, ...search }));
  const [result, setResult] = useState(null);
  const [groups, setGroups] = useState([]);
  const [chosen, choose] = useState(new Set());
  const [problem, setProblem] = useState(null);
  const ended = (data('changes')?.items ?? []).map(each => each.state + each.changed).join();

  const requests = useRef(0);
  const load = async (cursor = null) => {
    const request = ++requests.current;
    try {
      const [page, count, grouped] = await Promise.all([
        read(`${Path}${query({ ...filter, limit: 50, cursor })}`), read(`${Path}/count${query(filter)}`), read(`${Path}/groups`)]);
      // The response to an earlier request is dropped, however late it comes.
      if (request !== requests.current) return;
      setResult(before => ({ items: cursor ? [...before.items, ...page.items] : page.items, next: page.nextCursor,
        matched: count.matched }));
      setGroups(grouped.items);
      setProblem(null);
      if (!cursor) choose(new Set());
    } catch (refused) {
      if (request === requests.current) setProblem(refused.message);
    }
  };
  useEffect(() => { load(); }, [filter, ended]);

  const submit = event => {
    event?.preventDefault();
    setFilter(filterOf(form));
  };
  const only = values => {
    setForm({ ...empty, ...values });
    setFilter(filterOf({ ...empty, ...values }));
  };
  const field = (name, label, props) => html`
    <div><label for=${`dlq-${name}`}>${label}</label>
      <input id=${`dlq-${name}`} value=${form[name]} autocomplete="off" spellcheck=${false} ...${props}
        onInput=${event => setForm({ ...form, [name]: event.target.value })} /></div>`;
  const tools = Object.keys(data('snapshot')?.toolJobs.byTool ?? {});

  return html`
    <${Changes} />
    <section class="panel wide" aria-labelledby="dlq-groups">
      <header><h2 id="dlq-groups">By cause</h2></header>
      ${groups.length
        ? html`<${Table} label="Dead letters by cause" head=${['tool', '#letters', 'error', 'last', 'show']}>
            ${groups.map(group => html`
              <tr key=${group.tool + group.fingerprint + group.reason}><th scope="row">${group.tool}</th>
                <td class="n">${number(group.count)}</td>
                <td><span class="cut" title=${group.error}>${group.error}</span> <span class="quiet">${words(group.reason)}</span></td>
                  <td><${Ago} time=${group.lastAt} /></td>
                <td><button type="button" class="plain"
                  onClick=${() => only({ tool: group.tool, fingerprint: group.fingerprint })}>
                  Show<span class="unseen"> ${group.tool} ${group.fingerprint}</span></button></td></tr>`)}
          </${Table}>`
        : html`<p class="quiet">There are no dead letters.</p>`}
    </section>
    <section class="panel wide" aria-labelledby="dlq-search">
      <header><h2 id="dlq-search">Search</h2></header>
      <form class="filter" role="search" onSubmit=${submit}>
        <div><label for="dlq-tool">Tool</label>
          <select id="dlq-tool" value=${form.tool} onChange=${event => setForm({ ...form, tool: event.target.value })}>
            <option value="">all tools</option>
            ${[...new Set([...tools, form.tool])].filter(Boolean).map(tool => html`<option value=${tool}>${tool}</option>`)}</select></div>
        ${field('arguments', 'Words in the arguments')}${field('principal', 'Principal')}
          ${field('fingerprint', 'Fingerprint', { maxlength: 12 })}
        <div><label for="dlq-age">Died</label>
          <select id="dlq-age" value=${form.age} onChange=${event => setForm({ ...form, age: event.target.value })}>
            ${Object.entries(ages).map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select></div>
        <div class="buttons"><button type="submit">Search</button>
          <button type="button" class="plain" onClick=${() => only({})}>Show all</button></div>
      </form>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      ${result && html`
        <p role="status"><b>${plural(result.matched, 'dead letter')}</b> ${Object.keys(filter).length ? 'match' : 'in all'}.</p>
        ${isOperator() && result.matched > 0 && html`<${Actions} filter=${filter} matched=${result.matched} chosen=${chosen} />`}
        <${Letters} items=${result.items} chosen=${chosen} choose=${choose} />
        ${result.next && html`<p><button type="button" class="plain" onClick=${() => load(result.next)}>Show more</button></p>`}`}
    </section>`;
}

function Actions({ filter, matched, chosen }) {
  const start = (action, some) => {
    const count = some ? chosen.size : matched;
    const selection = some ? { ids: [...chosen] } : Object.keys(filter).length ? filter : { all: true };
    ask({
      title: `${action === 'requeue' ? 'Requeue' : 'Discard'} ${plural(count, 'dead letter')}`,
      action: `${action === 'requeue' ? 'Requeue' : 'Discard'} ${number(count)}`, danger: action === 'discard', typed: action === 'discard'
        ? String(count) : undefined,
      body: action === 'requeue'
        ? html`<p>The server requeues them at a bounded rate, goes on after a restart, and waits while the circuit of a provider
          that they need is open.</p>`
        : html`<p>They are deleted. This cannot be undone.</p>`,
      run: async reason => {
        await change('POST', `${Path}/changes`, reason, { action, confirm: count, ...selection });
        return `${plural(count, 'dead letter')} ${count === 1 ? 'is' : 'are'} being ${action === 'requeue' ? 'requeued' : 'discarded'}.`;
      },
    });
  };
  return html`
    <p class="buttons">
      <button type="button" onClick=${() => start('requeue', false)}>Requeue all ${number(matched)}</button>
      <button type="button" class="plain danger" onClick=${() => start('discard', false)}>Discard all ${number(matched)}</button>
      ${chosen.size > 0
        && html`<button type="button" class="plain"
          onClick=${() => start('requeue', true)}>Requeue the ${number(chosen.size)} chosen</button>
        <button type="button" class="plain danger"
          onClick=${() => start('discard', true)}>Discard the ${number(chosen.size)} chosen</button>`}
    </p>`;
}

function Letters({ items, chosen, choose }) {
  const [open, setOpen] = useState(null);
  const operator = isOperator();
  const toggle = id => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    choose(next);
  };
  if (!items.length) return null;
  return html`
    <${Table} label="Dead letters" head=${[...(operator ? ['choose'] : []), 'tool', 'died', 'error', '#attempts', 'replays', 'details']}>
      ${items.map(letter => html`
        <tr key=${letter.id}>
          ${operator && html`
            <td><input type="checkbox" checked=${chosen.has(letter.id)} aria-label=${`Choose ${letter.id}`}
              onChange=${() => toggle(letter.id)} /></td>`}
          <th scope="row">${letter.tool}</th><td><${Ago} time=${letter.diedAt} /></td>
          <td><span class="cut" title=${letter.error}>${letter.error}</span> <span class="quiet">
            <code>${letter.fingerprint}</code></span></td>
          <td class="n">${number(letter.attempts)}</td>
          <td>${letter.lastReplay
            ? html`requeued ${plural(letter.replayCount, 'time')}, last result ${letter.lastReplay.result} <span class="quiet">
              ${words(letter.reason)}</span>`
            : html`<span class="quiet">never</span>`}</td>
          <td><button type="button" class="plain" aria-expanded=${open === letter.id ? 'true' : 'false'}
            onClick=${() => setOpen(open === letter.id ? null : letter.id)}>${open === letter.id ? 'Hide' : 'Show'}
            <span class="unseen"> details of ${letter.id}</span></button></td>
        </tr>
        ${open === letter.id
          && html`<tr key=${`${letter.id}-details`}><td colspan=${operator ? 7 : 6}><${Details} letter=${letter} /></td></tr>`}`)}
    </${Table}>`;
}

const took = attempt => duration(new Date(attempt.endedAt) - new Date(attempt.startedAt));

const Details = ({ letter }) => html`
  <div class="details">
    <p><code>${letter.id}</code> of ${letter.principal}, created <${Ago} time=${letter.createdAt} /></p>
    <pre tabindex="0" aria-label="Arguments">${JSON.stringify(letter.arguments, null, 2)}</pre>
    ${Array.isArray(letter.history)
      && html`<ol>${letter.history.map(attempt =>
        html`<li>${relative(attempt.startedAt, now())}, ${took(attempt)} on ${attempt.worker}: ${attempt.error}</li>`)}</ol>`}
  </div>`;

function Changes() {
  const changes = (data('changes')?.items ?? []).slice(0, 5);
  if (!changes.length) return null;
  return html`
    <section class="panel wide" aria-labelledby="dlq-changes">
      <header><h2 id="dlq-changes">Changes</h2></header>
      <ul class="changes">
        ${changes.map(each => html`
          <li key=${each.id}>
            <p><${Badge} level=${{ running: 'degraded', settling: 'degraded', done: 'ok' }[each.state]}>
              ${each.cancelled ? 'cancelled' : each.state}</${Badge}> <b>${each.action} ${number(each.matched)}</b> <span class="quiet">
              ${each.target}; ${each.actor}: ${each.reason}; <${Ago} time=${each.createdAt} /></span></p>
            <p class="row">
              <progress value=${each.changed + each.skipped} max=${each.matched || 1}
                aria-label=${`Progress of ${each.action}`}></progress> <span>
                ${number(each.changed)} changed${each.skipped ? `, ${number(each.skipped)} skipped` : ''}
                ${each.report
                  ? `: ${['whole', 'partial', 'failed', 'pending'].map(result => `${number(each.report[result])} ${result}`).join(', ')}`
                  : ''}</span>
              ${each.waitsFor && html`<span class="bad">waits for the circuit of ${each.waitsFor}</span>`}
              ${isOperator() && each.state === 'running' && !each.cancelled
                && html`<button type="button" class="plain" onClick=${() => cancel(each)}>Cancel</button>`}</p>
          </li>`)}
      </ul>
    </section>`;
}

const cancel = each => ask({
  title: `Cancel this ${each.action}`, action: 'Cancel the change', body: html`<p>What is changed stays changed; requeued jobs run.</p>`,
  run: async reason => {
    await change('POST', `${Path}/changes/${each.id}/cancel`, reason);
    notify('Cancelled.');
  },
});

function Ago({ time }) {
  return html`<time datetime=${time} title=${time}>${relative(time, useNow())}</time>`;
}
