// The frame of a panel: a heading, how old its data is, and the content once there is data.
import { html } from './ui.js';
import { useLive, useNow } from './live.js';
import { duration } from './format.js';

const OldAfterMs = 20_000;

/**
 * @param size '' (a third of the page), 'two' (thirds) or 'wide'
 * @param section the name of the section that the panel shows, or of several: the oldest decides
 * @param children a function of the sections' data
 */
export function Panel({ id, title, section, size = '', children }) {
  const { sections } = useLive();
  const names = [].concat(section ?? []);
  const parts = names.map(name => sections[name]);
  const ready = parts.every(part => part?.data);
  return html`
    <section class=${`panel ${size}`} aria-labelledby=${id} data-panel=${id}>
      <header><h2 id=${id}>${title}</h2>
        ${ready && html`<${Age} parts=${parts} slow=${names.some(name => name === 'slo' || name === 'knobs')} />`}</header>
      ${ready ? children(...parts.map(part => part.data)) : html`<${Absent} parts=${parts} />`}
    </section>`;
}

function Age({ parts, slow }) {
  const at = useNow();
  const problem = parts.map(part => part.problem).find(Boolean);
  const oldest = Math.min(...parts.map(part => new Date(part.at).getTime()));
  const age = at - oldest;
  if (!problem && age < OldAfterMs * (slow ? 3 : 1)) return null;
  return html`<p class="old" role="status">${problem ?? 'Old data'}: ${duration(Math.max(0, age))} old</p>`;
}

export function Absent({ parts = [] }) {
  const part = parts.find(each => each && !each.data);
  if (!part) return html`<p class="quiet">Loading…</p>`;
  return html`<p class="quiet">${part.status === 404 ? 'Not available in this version of the API.' : part.problem}</p>`;
}

/** A table that scrolls sideways inside its panel. */
export const Table = ({ label, head, children }) => html`
  <div class="scroll" tabindex="0" role="group" aria-label=${label}>
    <table><caption class="unseen">${label}</caption>
      <thead><tr>${head.map(text => html`<th scope="col" class=${/^#/.test(text) ? 'n' : ''}>${text.replace(/^#/, '')}</th>`)}</tr></thead>
      <tbody>${children}</tbody>
    </table>
  </div>`;

export const Badge = ({ level, children }) => html`<span class=${`badge ${level}`}>${children}</span>`;

/** A bar with its value in words beside it. */
export const Bar = ({ label, value, max, plain }) => html`
  <progress class=${plain ? '' : value >= max && max > 0 ? 'full' : value >= max * 0.8 && max > 0 ? 'high' : ''}
    value=${Math.min(value, max)} max=${max || 1} aria-label=${label}></progress>`;
