// The page: sign-in, header with the verdict, navigation, and one view at a time. The address after # says which.
import { html, render, useEffect, useRef, useState } from './ui.js';
import { sessions } from './http.js';
import { begin, data, now, signedOut, useLive, useNow } from './live.js';
import { clock, duration } from './format.js';
import { Badge } from './panel.js';
import { Dialogs } from './dialog.js';
import { SignIn } from './sign-in.js';
import { judge } from './panels/verdict.js';
import { Overview } from './views/overview.js';
import { DeadLetters } from './views/dead-letters.js';
import { Knobs } from './views/knobs.js';
import { Turns } from './views/turns.js';
import { Timeline } from './views/timeline.js';
import { Callers } from './views/callers.js';
import { Audit } from './views/audit.js';

const views = {
  '': ['Now', Overview], 'dead-letters': ['Dead letters', DeadLetters], turns: ['Turns', Turns], timeline: ['Incident', Timeline],
  callers: ['Callers', Callers], knobs: ['Knobs', Knobs], audit: ['Audit', Audit],
};

function address() {
  const [path, search] = location.hash.replace(/^#\/?/, '').split('?');
  return { path: views[path] ? path : '', search: Object.fromEntries(new URLSearchParams(search)) };
}

function Page() {
  const { session } = useLive();
  if (session === undefined) return html`<main class="sign-in"><h1>Sendcat console</h1><p class="quiet">Loading…</p></main>`;
  return session ? html`<${Console} session=${session} />` : html`<${SignIn} />`;
}

function Console({ session }) {
  const [at, setAt] = useState(address());
  const main = useRef();
  useEffect(() => {
    const moved = () => {
      setAt(address());
      main.current.focus();
      scrollTo(0, 0);
    };
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);

  const [title, View] = views[at.path];
  const verdict = judge();
  document.title = `${verdict.level === 'ok' ? '' : `${verdict.word} · `}${title} · Sendcat`;
  const dead = data('snapshot')?.toolJobs.byStatus.deadLetter;
  const open = data('alerts')?.items.length;
  const leave = () => sessions.leave().finally(() => signedOut());

  return html`
    <a class="skip" href="#main" onClick=${event => { event.preventDefault(); main.current.focus(); }}>Skip to content</a>
    <header class="top">
      <a class="home" href="#/">Sendcat <${Badge} level=${verdict.level}>${verdict.word}</${Badge}></a>
      <nav aria-label="Views">
        ${Object.entries(views).map(([path, [name]]) => html`
          <a href=${`#/${path}`} aria-current=${path === at.path ? 'page' : undefined}>${name}
            ${path === '' && open ? html` <span class="count">${open}<span class="unseen"> open alerts</span></span>` : ''}
            ${path === 'dead-letters' && dead ? html` <span class="count">${dead}</span>` : ''}</a>`)}
      </nav>
      <div class="person"><${Connection} /><span>${session.name === session.role ? session.role : session.name}</span>
        <button type="button" class="plain" onClick=${leave}>Sign out</button></div>
    </header>
    <main id="main" ref=${main} tabindex="-1"><h1 class="unseen">${title}</h1><${View} key=${at.path} search=${at.search} /></main>
    <${Dialogs} />`;
}

function Connection() {
  const { connected, lostAt } = useLive();
  useNow();
  return connected
    ? html`<span class="live"><i></i>live <time>${clock(now())}</time> UTC</span>`
    : html`<span class="live lost" role="status">
      <i></i>no connection to the Monitor${lostAt ? ` for ${duration(now() - lostAt)}` : ''}</span>`;
}

render(html`<${Page} />`, document.getElementById('app'));
begin();
