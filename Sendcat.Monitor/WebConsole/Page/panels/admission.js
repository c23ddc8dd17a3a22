// Admission: the mode, what was decided, and why turns and other requests were refused.
import { html } from '../ui.js';
import { change, query } from '../http.js';
import { isOperator } from '../live.js';
import { dayAndTime, number, percent, words } from '../format.js';
import { ask, howLong } from '../dialog.js';
import { Badge, Panel, Table } from '../panel.js';

export const Admission = () => html`
  <${Panel} id="admission" size="two" title="Admission" section="snapshot">
    ${snapshot => html`<${Content} snapshot=${snapshot} />`}</${Panel}>`;

// Events that are counted like refusals, and refuse no caller. Circuits, routes and alerts show them.
const ofProviders = ['provider_failover', 'provider_suspension', 'redis_data_lost'];

function Content({ snapshot }) {
  const { enforce, shadow } = snapshot.chatAdmission;
  const counts = snapshot.rateLimitPressure;
  const refusals = Object.entries(counts.byBucketOutcomeReason).map(([key, hits]) => ({ parts: key.split(':'), hits }))
    .filter(({ parts: [bucket, outcome] }) => outcome !== 'allowed' && !ofProviders.includes(bucket)).sort((a, b) => b.hits - a.hits);
  const mode = modeOf(snapshot.config);
  return html`
    <p><${Badge} level=${mode === 'enforce' ? 'ok' : 'degraded'}>${mode}</${Badge}>
      ${' '}<span class="quiet">in the last ${snapshot.windowMinutes} min</span></p>
    <${Table} label="Admission of turns" head=${['mode', '#admitted', '#refused', '#without Redis', '#share']}>
      <${Row} name="enforce" counts=${enforce} share=${snapshot.chatAdmission.falsePositivePressure.enforceRejectRate} />
      <${Row} name="shadow" counts=${shadow} share=${snapshot.chatAdmission.falsePositivePressure.shadowWouldBlockRate} />
    </${Table}>
    ${refusals.length
      ? html`<${Table} label="Refusals by limit and reason" head=${['limit', 'outcome', 'reason', '#hits']}>
          ${refusals.slice(0, 8)
            .map(({ parts: [bucket, outcome, ...reason], hits }) =>
              html`<tr key=${bucket + outcome + reason}><td>${words(bucket)}</td><td>${words(outcome)}</td>
                <td>${words(reason.join(':'))}</td><td class="n">${number(hits)}</td></tr>`)}
        </${Table}>`
      : html`<p class="quiet">Nothing was refused.</p>`}
    ${isOperator()
      && html`<p class="buttons">
        ${['enforce', 'shadow', 'off'].filter(other => other !== mode)
          .map(other =>
            html`<button type="button" class="plain" onClick=${() => switchTo(other, mode)}>Switch to ${other}</button>`)}</p>`}`;
}

const Row = ({ name, counts, share }) => html`
  <tr><th scope="row">${name}</th><td class="n">${number(counts.allowed)}</td><td class="n">${number(counts.blocked)}</td>
    <td class="n">${number(counts.contentionFallback)}</td><td class="n">${percent(share, 1)}</td></tr>`;

const modeOf = config => (!config.admission.redisEnabled ? 'off' : config.admission.redisShadowMode || !config.chatGateway.admissionEnforce
  ? 'shadow' : 'enforce');

const effects = {
  enforce: 'Turns beyond the limits are refused with 429.', shadow: 'Nothing is refused; what would be is counted.',
  off: 'Nothing is counted and nothing is refused: the providers have no protection from a flood.',
};

const switchTo = (mode, before) => ask({
  title: `Switch admission from ${before} to ${mode}`, action: `Switch to ${mode}`, danger: mode !== 'enforce',
  body: html`<p>${effects[mode]} All replicas follow within five seconds.</p>`,
  choice: howLong,
  run: async (reason, _, forSeconds) => {
    const { until } = await change('POST', `admission/${mode}${query({ forSeconds })}`, reason);
    return { text: `Admission is ${mode} now${until ? `, until ${dayAndTime(until)} UTC` : ''}.`,
      undo: { label: `Back to ${before}`, run: () => switchTo(before, mode) } };
  },
});

