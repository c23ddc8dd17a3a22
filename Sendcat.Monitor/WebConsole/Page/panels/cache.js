// The tool cache by namespace, and the protection from repeated webhooks.
import { html } from '../ui.js';
import { change } from '../http.js';
import { isOperator } from '../live.js';
import { number } from '../format.js';
import { ask } from '../dialog.js';
import { Panel, Table } from '../panel.js';

export const Cache = () => html`
  <${Panel} id="cache" title="Tool cache" section="snapshot">${({ toolCache }) => {
    const spaces = Object.entries(toolCache.byNamespace);
    if (!spaces.length) return html`<p class="quiet">The cache is empty, or Redis does not respond.</p>`;
    return html`
      <${Table} label="Entries by namespace" head=${['namespace', '#entries', ...(isOperator() ? ['change'] : [])]}>
        ${spaces.map(([name, count]) => html`
          <tr key=${name}><th scope="row">${name}</th><td class="n">${number(count)}</td>
            ${isOperator()
              && html`<td class="buttons">
                <button type="button" class="plain" disabled=${!count}
                  onClick=${() => clear(name, count)}>Clear<span class="unseen"> ${name}</span></button></td>`}</tr>`)}
      </${Table}>`;
  }}</${Panel}>`;

const clear = (name, count) => ask({
  title: `Clear ${name}`, action: 'Clear', danger: true,
  body: html`<p>${number(count)} entries, among them those that are served when a provider fails. The next calls go to the providers.</p>`,
  run: async reason => {
    const { deleted, hasMore } = await change('POST', `tool-cache/clear?namespace=${encodeURIComponent(name)}`, reason);
    return `${number(deleted)} entries deleted${hasMore ? '; there are more, clear again' : ''}.`;
  },
});

export const ReplayProtection = () => html`
  <${Panel} id="replay" title="Replay protection" section="snapshot">${({ replayProtection: replay, windowMinutes }) => html`
    <p>${number(replay.keysInWindow)} deliveries first seen
      in ${windowMinutes} min, ${number(replay.duplicateHitsInWindow)} repeated ones answered.</p>
    ${Object.keys(replay.byScope).length > 0 && html`
      <${Table} label="Deliveries by webhook" head=${['webhook', '#deliveries', '#repeated', '#repetitions']}>
        ${Object.entries(replay.byScope)
          .map(([scope, counts]) =>
            html`<tr key=${scope}><th scope="row">${scope}</th><td class="n">${number(counts.totalKeys)}</td>
              <td class="n">${number(counts.duplicateKeys)}</td><td class="n">${number(counts.duplicateHits)}</td></tr>`)}
      </${Table}>`}`}</${Panel}>`;
