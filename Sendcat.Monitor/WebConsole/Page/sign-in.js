// Sign-in with the person's own key. Before it, the page shows nothing but whether Sendcat is up.
import { html, useEffect, useRef, useState } from './ui.js';
import { publicStatus, sessions } from './http.js';
import { signedIn, useLive } from './live.js';
import { Badge } from './panel.js';

export function SignIn() {
  const { notice } = useLive();
  const [status, setStatus] = useState(null);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const input = useRef();

  useEffect(() => {
    const show = () => publicStatus().then(setStatus, () => setStatus({ state: 'unknown' }));
    show();
    const timer = setInterval(show, 5000);
    input.current.focus();
    return () => clearInterval(timer);
  }, []);

  const submit = async event => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      signedIn(await sessions.enter(input.current.value.trim()));
    } catch (refused) {
      setProblem(refused.status === 401 ? 'This key is not valid.' : refused.status === 429
        ? `Too many wrong keys. Wait ${refused.retryAfter ?? 60} s.` : refused.message);
      setBusy(false);
      input.current.select();
    }
  };

  return html`
    <main class="sign-in">
      <h1>Sendcat console ${status && html`<${Badge} level=${status.state}>${status.state}</${Badge}>`}</h1>
      ${status?.problem && html`<p>${status.problem}</p>`}
      ${notice && html`<p role="status">${notice}</p>`}
      <form onSubmit=${submit}>
        <label for="key">Your operator or viewer key</label>
        <input id="key" ref=${input} type="password" autocomplete="current-password" required spellcheck=${false}
          aria-describedby="key-help" aria-invalid=${problem ? 'true' : undefined} />
        <p class="quiet" id="key-help">A key by name makes the audit name you: ./sendcat ops-key make.
          The key of a local run is in .sendcat/ops-api-key.</p>
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        <button type="submit" disabled=${busy}>${busy ? 'Signing in…' : 'Sign in'}</button>
      </form>
    </main>`;
}
