// Rollout stage and region posture, and what deviates from the defaults.
import { html } from '../ui.js';
import { plural } from '../format.js';
import { Badge, Panel } from '../panel.js';

const flags = {
  enabled: 'gateway', shadowMode: 'shadow', admissionEnforce: 'admission enforced', toolQueueEnforce: 'queue caps enforced',
    providerFailoverEnabled: 'failover',
  failClosedOnRedisError: 'closed without Redis',
};

export const Posture = () => html`
  <${Panel} id="posture" title="Rollout and region" section=${['snapshot', 'knobs']}>${({ config }, knobs) => {
    const value = name => knobs.items.find(knob => knob.name === name)?.value || '–';
    const changed = knobs.items.filter(knob => knob.source === 'override');
    return html`
      <dl class="pairs">
        <dt>Rollout stage</dt><dd>${value('SENDCAT_ROLLOUT_STAGE')}</dd>
        <dt>Capacity tier</dt><dd>${value('SENDCAT_CAPACITY_TIER')}</dd>
        <dt>Region</dt>
          <dd>${config.regionTopology.regionId}, ${config.regionTopology.topologyMode.replace('_', ' ')}
            ${config.regionTopology.readinessOnly ? ', readiness only' : ''}</dd>
        <dt>Flags</dt>
          <dd>${Object.entries(flags)
            .map(([name, text]) =>
              html`<${Badge} level=${config.chatGateway[name] ? 'ok' : 'unknown'}>
                ${text}: ${config.chatGateway[name] ? 'on' : 'off'}</${Badge}> `)}</dd>
        <dt>Models</dt><dd>${config.chatProviderRoutes.fastPrimaryModel}, else ${config.chatProviderRoutes.fastSecondaryModel}</dd>
        <dt>Changed by operators</dt>
          <dd>${changed.length
            ? html`<a href="#/knobs?show=changed">${plural(changed.length, 'knob')}</a>: ${changed.map(knob => knob.name).join(', ')}`
            : 'nothing'}</dd>
        ${knobs.rejected.length > 0 && html`<dt>Rejected</dt><dd class="bad">${knobs.rejected.map(each => each.name).join(', ')}</dd>`}
      </dl>`;
  }}</${Panel}>`;
