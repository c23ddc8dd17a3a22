// Knobs: the value in force, where it comes from, and changing it with a way back.
import { html, useState } from '../ui.js';
import { change } from '../http.js';
import { data, isOperator, useLive } from '../live.js';
import { plural } from '../format.js';
import { ask } from '../dialog.js';
import { Absent, Badge, Table } from '../panel.js';

const shows = { deviating: 'what deviates from the default', changed: 'what operators changed', all: 'all' };

export function Knobs({ search }) {
  const { sections } = useLive();
  const [text, setText] = useState(search.name ?? '');
  const [show, setShow] = useState(search.show ?? 'deviating');
  const knobs = sections.knobs?.data;
  if (!knobs) return html`<section class="panel wide"><${Absent} parts=${[sections.knobs]} /></section>`;
  const found = knobs.items.filter(knob =>
    (text ? `${knob.name} ${knob.description}`.toLowerCase().includes(text.toLowerCase()) : show === 'all' || (show === 'changed' ? knob.source === 'override' : knob.value !== knob.default)));
  return html`
    <section class="panel wide" aria-labelledby="knobs" data-panel="knobs">
      <header><h2 id="knobs">Knobs</h2></header>
      <form class="filter" role="search" onSubmit=${event => event.preventDefault()}>
        <div><label for="knob-text">Name or meaning</label><input id="knob-text" type="search" value=${text} autocomplete="off" spellcheck=${false} onInput=${event => setText(event.target.value)} /></div>
        <div><label for="knob-show">Without words, show</label><select id="knob-show" value=${show} onChange=${event => setShow(event.target.value)}>${Object.entries(shows).map(([value, words]) => html`<option value=${value}>${words}</option>`)}</select></div>
      </form>
      <p role="status">${plural(found.length, 'knob')} of ${knobs.items.length}.</p>
      ${knobs.rejected.map(each => html`<p class="problem" key=${each.name}>${each.name} is rejected: ${each.reason}</p>`)}
      ${found.length > 0 && html`
        <${Table} label="Knobs" head=${['knob', 'in force', 'from', 'default', 'allowed', ...(isOperator() ? ['change'] : [])]}>
          ${found.map(knob => html`
            <tr key=${knob.name}>
              <th scope="row"><code>${knob.name}</code> <span class="quiet">${knob.description}</span></th>
              <td><b>${knob.value || '(empty)'}</b> ${knob.unit}</td>
              <td><${Badge} level=${knob.source === 'override' ? 'degraded' : 'unknown'}>${knob.source === 'override' ? 'operator' : knob.source}</${Badge}></td>
              <td>${knob.default || '(empty)'}</td><td class="quiet">${knob.range}</td>
              ${isOperator() && html`<td class="buttons"><button type="button" class="plain" onClick=${() => set(knob)}>Change<span class="unseen"> ${knob.name}</span></button>${knob.source === 'override' && html`<button type="button" class="plain" onClick=${() => clear(knob)}>Clear<span class="unseen"> ${knob.name}</span></button>`}</td>`}
            </tr>`)}
        </${Table}>`}
    </section>`;
}

const path = knob => `knobs/${encodeURIComponent(knob.name)}`;

/** What the API says only when it is too late. */
function warning(knob) {
  const open = (data('circuits')?.items ?? []).filter(circuit => circuit.state === 'open').map(circuit => circuit.provider);
  return /CIRCUIT/.test(knob.name) && /COOLDOWN|_MS$/.test(knob.name) && open.length
    ? html`<p class="problem">Circuits that are open keep the time they opened with: ${open.join(', ')}. Close them by hand to use a new one.</p>` : null;
}

function set(knob) {
  const booleans = knob.default === 'true' || knob.default === 'false';
  const listed = /^[\w.-]+(, [\w.-]+| or [\w.-]+)+$/.test(knob.range) && !booleans ? knob.range.split(/, | or /) : null;
  ask({
    title: `Change ${knob.name}`, action: 'Change on all replicas',
    body: html`<p>${knob.description}</p><p>In force: <b>${knob.value || '(empty)'}</b> ${knob.unit}. Default: ${knob.default || '(empty)'}.</p>${warning(knob)}`,
    field: { label: 'New value', value: knob.value, optional: true, options: booleans ? ['true', 'false'] : listed, hint: `Allowed: ${knob.range}` },
    run: async (reason, value) => {
      const changed = await change('PUT', path(knob), reason, { value });
      const back = changed.before;
      return {
        text: `${knob.name} is ${changed.value} now (was ${knob.value || 'empty'}).`,
        undo: { label: 'Undo', run: () => undo(knob, back, `undo of: ${reason}`) },
      };
    },
  });
}

/** Back to the operators' value before, else to the configuration. */
const undo = (knob, before, reason) => ask({
  title: `Undo the change of ${knob.name}`, action: 'Undo', reason: reason.slice(0, 500),
  body: html`<p>${before === undefined || before === null ? 'The configuration applies again' : 'The value of before applies again'}: <b>${before ?? knob.value}</b>.</p>`,
  run: async why => {
    if (before === undefined || before === null) await change('DELETE', path(knob), why);
    else await change('PUT', path(knob), why, { value: before });
    return `${knob.name} is as before.`;
  },
});

const clear = knob => ask({
  title: `Clear ${knob.name}`, action: 'Clear',
  body: html`<p>The operators' value <b>${knob.value}</b> goes, and the configuration applies again (default: ${knob.default || '(empty)'}).</p>`,
  run: async reason => {
    await change('DELETE', path(knob), reason);
    return { text: `${knob.name} follows the configuration again.`, undo: { label: 'Undo', run: () => ask({
      title: `Set ${knob.name} to ${knob.value} again`, action: 'Undo', reason: `undo of: ${reason}`.slice(0, 500),
      run: async why => { await change('PUT', path(knob), why, { value: knob.value }); return `${knob.name} is ${knob.value} again.`; },
    }) } };
  },
});
