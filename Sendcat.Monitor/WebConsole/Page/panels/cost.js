// What the turns cost, by model, and accounts that a provider refuses.
import { html } from '../ui.js';
import { useNow } from '../live.js';
import { money, number, plural, relative } from '../format.js';
import { Panel, Table } from '../panel.js';

export const Cost = () => html`
  <${Panel} id="cost" title="Cost and accounts" section="snapshot">${snapshot => (snapshot.cost
    ? html`<${Content} cost=${snapshot.cost} accounts=${snapshot.suspendedAccounts ?? []} minutes=${snapshot.windowMinutes} />`
    : html`<p class="quiet">Not available in this version of the API.</p>`)}</${Panel}>`;

function Content({ cost, accounts, minutes }) {
  const at = useNow();
  return html`
    <p><b>${money(cost.usd)}</b> <span class="quiet">in ${minutes} min, ${plural(cost.turns, 'turn')}
      ${cost.unpricedTurns ? `, ${number(cost.unpricedTurns)} without a known price` : ''}. ${cost.budgetUsdPerPrincipalPerDay
        ? `Budget of a principal and day: ${money(cost.budgetUsdPerPrincipalPerDay)}.` : 'No budget is set.'}</span></p>
    ${accounts.map(each =>
      html`<p class="bad" key=${each.provider}>
        ${each.provider} refuses our account: ${each.suspended === 'quota' ? 'its credit is used up' : 'the key is rejected'}
        ${each.since ? `, since ${relative(each.since, at)}` : ''}.</p>`)}
    ${cost.byModel.length > 0 && html`
      <${Table} label="Cost by model" head=${['model', '#cost', '#turns', '#tokens']}>
        ${cost.byModel.map(each =>
          html`<tr key=${each.model}><th scope="row">${each.model}</th><td class="n">${money(each.usd)}</td>
            <td class="n">${number(each.turns)}</td><td class="n">${number(each.promptTokens + each.completionTokens)}</td></tr>`)}
      </${Table}>`}`;
}
