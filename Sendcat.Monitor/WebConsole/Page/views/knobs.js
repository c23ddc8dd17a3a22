// Knobs: the value in force, where it comes from, and changing it with a way back.
import { html, useState } from '../ui.js';
import { change } from '../http.js';
import { isOperator, now, useLive, useNow } from '../live.js';
import { dayAndTime, plural, relative } from '../format.js';
import { ask, howLong } from '../dialog.js';
import { Absent, Badge, Table } from '../panel.js';

const shows = { deviating: 'what deviates from the default', changed: 'what deviates from the configuration', all: 'all' };
const ShortestSeconds = 10;

export function Knobs({ search }) {
  const { sections } = useLive();
  const at = useNow();
  const [text, setText] = useState(search.name ?? '');
  const [show, setShow] = useState(search.show ?? 'deviating');
  const knobs = sections.knobs?.data;
  if (!knobs) return html`<section class="panel wide"><${Absent} parts=${[sections.knobs]} /></section>`;
  const found = knobs.items.filter(knob =>
    (text ? `${knob.name} ${knob.description}`.toLowerCase().includes(text.toLowerCase()) : show === 'all' || knob.source === 'override'
      || (show === 'deviating' && knob.value !== knob.default)));
  return html`
    <section class="panel wide" aria-labelledby="knobs" data-panel="knobs">
      <header><h2 id="knobs">Knobs</h2></header>
      <form class="filter" role="search" onSubmit=${event => event.preventDefault()}>
        <div class="grow"><label for="knob-text">Name or meaning</label>
          <input id="knob-text" type="search" value=${text} autocomplete="off" spellcheck=${false}
            onInput=${event => setText(event.target.value)} /></div>
        <div><label for="knob-show">Without words, show</label>
          <select id="knob-show" value=${show} onChange=${event => setShow(event.target.value)}>
            ${Object.entries(shows).map(([value, words]) => html`<option value=${value}>${words}</option>`)}</select></div>
      </form>
      <p role="status">${plural(found.length, 'knob')} of ${knobs.items.length}.</p>
      ${knobs.rejected.map(each => html`<p class="problem" key=${each.name}>${each.name} is rejected: ${each.reason}</p>`)}
      ${found.length > 0 && html`
        <${Table} label="Knobs" head=${['knob', 'in force', 'from', 'default', 'allowed', ...(isOperator() ? ['change'] : [])]}>
          ${found.map(knob => html`
            <tr key=${knob.name}>
              <th scope="row"><code>${knob.name}</code> <span class="quiet">${knob.description}</span></th>
              <td><b>${knob.value || '(empty)'}</b> ${knob.unit}</td>
              <td><${Badge} level=${knob.source === 'override' ? 'degraded' : 'unknown'}>
                ${knob.source === 'override' ? 'operator' : knob.source}</${Badge}>${knob.source === 'override'
                && html` <span class="quiet">${knob.setBy}, instead of ${shown(knob.configured)}</span>`}${knob.until
                && html` <span class="quiet">
                  ends <time datetime=${knob.until} title=${knob.until}>${relative(knob.until, at)}</time>, then ${after(knob.then)}
                </span>`}</td>
              <td>${knob.default || '(empty)'}</td><td class="quiet">${knob.range}</td>
              ${isOperator()
                && html`<td class="buttons">
                  <button type="button" class="plain" onClick=${() => set(knob)}>Change<span class="unseen"> ${knob.name}</span></button>
                  ${knob.source === 'override'
                    && html`<button type="button" class="plain"
                      onClick=${() => clear(knob)}>Clear<span class="unseen"> ${knob.name}</span></button>`}</td>`}
            </tr>`)}
        </${Table}>`}
    </section>`;
}

const path = knob => `knobs/${encodeURIComponent(knob.name)}`;

const shown = value => value || '(empty)';
const after = then => (then === undefined ? 'as configured' : shown(then));

function set(knob) {
  const booleans = knob.default === 'true' || knob.default === 'false';
  const listed = /^[\w.-]+(, [\w.-]+| or [\w.-]+)+$/.test(knob.range) && !booleans ? knob.range.split(/, | or /) : null;
  ask({
    title: `Change ${knob.name}`, action: 'Change on all replicas',
    body: html`<p>${knob.description}</p>
      <p>In force: <b>${knob.value || '(empty)'}</b> ${knob.unit}. Default: ${knob.default || '(empty)'}.</p>
      ${knob.warning && html`<p class="problem">${knob.warning}.</p>`}`,
    field: { label: 'New value', value: knob.value, optional: true, options: booleans ? ['true', 'false'] : listed,
      hint: `Allowed: ${knob.range}` },
    choice: howLong,
    run: async (reason, value, seconds) => {
      const changed = await change('PUT', path(knob), reason, { value, ...(seconds && { forSeconds: Number(seconds) }) });
      return {
        text: `${knob.name} is ${changed.value} now (was ${knob.value || 'empty'})`
          + `${changed.until ? `, until ${dayAndTime(changed.until)} UTC` : ''}.${changed.warning ? ` ${changed.warning}.` : ''}`,
        undo: { label: 'Undo', run: () => undo(knob, changed, `undo of: ${reason}`) },
      };
    },
  });
}

/** Back to what was in force before: the operators' value with what was left of its time, else the configuration. */
const undo = (knob, { before, beforeUntil, beforeThen }, reason) => {
  const left = () => (beforeUntil ? Math.floor((new Date(beforeUntil) - now()) / 1000) : Infinity);
  // What would have ended meanwhile is followed by what it would have been followed by.
  const [value, lasting] = left() < ShortestSeconds ? [beforeThen, true] : [before, !beforeUntil];
  ask({
    title: `Undo the change of ${knob.name}`, action: 'Undo', reason: reason.slice(0, 500),
    body: html`<p>
      ${value === undefined ? html`The configuration applies again: <b>${shown(knob.configured ?? knob.value)}</b>`
        : html`The value of before applies again: <b>${shown(value)}</b>`}.</p>`,
    run: async why => {
      if (value === undefined) await change('DELETE', path(knob), why);
      else await change('PUT', path(knob), why, lasting ? { value }
        : { value, forSeconds: Math.max(left(), ShortestSeconds), then: beforeThen ?? null });
      return `${knob.name} is as before.`;
    },
  });
};

const clear = knob => ask({
  title: `Clear ${knob.name}`, action: 'Clear',
  body: html`<p>The operators' value <b>${knob.value}</b> goes, and the configuration applies again: <b>${shown(knob.configured)}</b>.</p>`,
  run: async reason => {
    const changed = await change('DELETE', path(knob), reason);
    return {
      text: `${knob.name} follows the configuration again.`,
      ...(changed.before !== undefined && { undo: { label: 'Undo', run: () => undo(knob, changed, `undo of: ${reason}`) } }),
    };
  },
});
