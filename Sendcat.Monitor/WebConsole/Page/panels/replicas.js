// Replicas of the API, the addresses that the Monitor probes, and workers that have gone silent.
import { html } from '../ui.js';
import { change } from '../http.js';
import { isOperator, useNow } from '../live.js';
import { clock, duration, number, percent, plural } from '../format.js';
import { ask } from '../dialog.js';
import { Badge, Panel, Table } from '../panel.js';

export const Replicas = () => html`
  <${Panel} id="replicas" title="Replicas and workers" section=${['replicas', 'apis', 'conditions', 'schedule']} size="wide">
    ${(replicas, apis, conditions, schedule) => html`
    <${Content} replicas=${replicas.items} apis=${apis.apis ?? []} conditions=${conditions} jobs=${schedule.items} />`}</${Panel}>`;

function Content({ replicas, apis, conditions, jobs }) {
  useNow();
  const workers = [...new Set(jobs.map(job => job.worker).filter(Boolean))];
  return html`
    ${apis.map(api => html`
      <div class="row" key=${api.address}><code>${api.address}</code> <${Badge} level=${api.latest.state}>${api.latest.state}</${Badge}>
        <span class="quiet">
          ${api.latest.problem ?? 'healthy, chats can be started'}; ${duration(api.latest.latencyMs)};
          up in ${percent(api.upShare)} of ${plural(api.history.length, 'probe')}</span>
        <span class="strip" role="img"
          aria-label=${`The last ${api.history.length} probes of ${api.address}: up in ${percent(api.upShare)}`}>
          ${api.history.slice(-60)
            .map(probe => html`<i class=${probe.state} title=${`${clock(probe.at)} ${probe.problem ?? probe.state}`}></i>`)}</span>
      </div>`)}
    <${Table} label="Replicas and workers"
      head=${['process', 'state', '#age', '#holds', '#turns', '#jobs', '#slots', 'circuits not closed',
        ...(isOperator() ? ['change'] : [])]}>
      ${replicas.map(each => html`
        <tr key=${each.id}>
          <th scope="row">
            <code>${each.id}</code> <span class="quiet">${[each.kind, each.host, each.version].filter(Boolean).join(', ')}</span></th>
          <td><${Badge} level=${!each.lives ? 'failing' : each.draining ? 'degraded' : 'ok'}>
            ${!each.lives ? 'dead' : each.drained?.stopsBy ? 'restarts' : each.draining ? 'draining' : 'alive'}</${Badge}> ${each.drained
            && html`<span class="quiet">by ${each.drained.by}${each.drained.reason ? `: ${each.drained.reason}` : ''}</span>`}</td>
          <td class="n">${duration(each.ageMs)}</td><td class="n">${number(each.holders)}</td>
          <td class="n">${number(each.turns)}
            ${each.turnsWaitingForToken ? html` <span class="quiet">${number(each.turnsWaitingForToken)} wait</span>` : ''}</td>
          <td class="n">${number(each.jobs)}</td>
            <td class="n">${each.slots ? `${number(each.slots.used)} of ${number(each.slots.max)}` : '–'}</td>
          <td>${each.circuits?.filter(circuit => circuit.state !== 'closed')
            .map(circuit =>
              html`<${Badge} level=${circuit.state === 'open' ? 'failing' : 'degraded'}>${circuit.provider}</${Badge}> `)}</td>
          ${isOperator() && html`<td class="buttons">
            ${!each.lives
              && html`<button type="button" class="plain"
                onClick=${() => release(each)}>Release leases<span class="unseen"> of ${each.id}</span></button>`}
            ${each.lives && each.draining === false
              && html`<button type="button" class="plain"
                onClick=${() => drain(each)}>Drain<span class="unseen"> ${each.id}</span></button>`}
            ${each.lives && each.draining
              && html`<button type="button" class="plain"
                onClick=${() => resume(each)}>Resume<span class="unseen"> ${each.id}</span></button>`}
            ${each.lives && each.draining !== undefined && !each.drained?.stopsBy
              && html`<button type="button" class="plain"
                onClick=${() => restart(each)}>Restart<span class="unseen"> ${each.id}</span></button>`}</td>`}
        </tr>`)}
      ${!replicas.length && html`<tr><td colspan=${isOperator() ? 9 : 8} class="quiet">Nothing holds a lease now.</td></tr>`}
    </${Table}>
    ${conditions.silentWorkers.map(each =>
      html`<p class="bad" key=${each.worker}>
        Worker ${each.worker} is silent
        for ${duration(each.silentMs)} and holds ${plural(each.jobs, 'job')} (${each.tools.join(', ')}).</p>`)}
    ${conditions.stuckLeases.map(each =>
      html`<p class="bad" key=${each.what + each.name}>
        ${plural(each.count, 'lease')} of ${each.what.replace('_', ' ')} ${each.name} ended and was not taken back.</p>`)}
    ${workers.length > 0 && html`<p class="quiet">Tool workers that ran scheduled jobs: ${workers.join(', ')}</p>`}`;
}

const release = replica => ask({
  title: `Release the leases of ${replica.id}`, action: 'Release', danger: true,
  body: html`<p>It is dead and holds ${plural(replica.holders, 'slot')}. They become free at once.</p>`,
  run: async reason =>
    `${number((await change('POST', `replicas/${encodeURIComponent(replica.id)}/release`, reason)).released)} leases released.`,
});

const drain = replica => ask({
  title: `Drain ${replica.id}`, action: 'Drain', danger: true,
  body: html`<p>It takes no new work and ends what it has. The API refuses to drain the last one of its kind.</p>`,
  run: async reason => {
    await change('POST', `replicas/${encodeURIComponent(replica.id)}/drain`, reason);
    return { text: `${replica.id} is draining.`, undo: { label: 'Resume', run: () => resume(replica) } };
  },
});

const restart = replica => ask({
  title: `Restart ${replica.id}`, action: 'Restart', danger: true,
  body: html`<p>It takes no new work, and stops when nothing runs in it;
    its host starts it again with a new id. <i>Resume</i> calls it off until then.
    The API refuses to restart the last one of its kind.</p>`,
  field: { label: 'Seconds that it waits for what runs', type: 'number', value: '300', hint: '0 to 3600' },
  run: async (reason, seconds) => {
    await change('POST', `replicas/${encodeURIComponent(replica.id)}/restart?waitSeconds=${encodeURIComponent(seconds)}`, reason);
    return { text: `${replica.id} restarts when nothing runs in it.`, undo: { label: 'Resume', run: () => resume(replica) } };
  },
});

const resume = replica => ask({
  title: `Resume ${replica.id}`, action: 'Resume', body: html`<p>It takes new work again.</p>`,
  run: async reason => {
    await change('POST', `replicas/${encodeURIComponent(replica.id)}/resume`, reason);
    return `${replica.id} takes work again.`;
  },
});
