// The one dialog for changes: what changes, why, and what came of it. The API's audit gets the reason.
import { html, newId, useEffect, useRef, useState } from './ui.js';

let show = () => {};
let say = () => {};

/** The choice of how long a change lasts, in seconds. */
export const howLong = { label: 'For',
  options: [['', 'until somebody clears it'], ['900', '15 minutes'], ['3600', 'an hour'], ['14400', '4 hours'], ['86400', 'a day']] };

/**
 * Asks for a reason and makes a change.
 * @param change.title the change as a command, such as "Close the circuit of ebay"
 * @param change.body what the person must know before
 * @param change.field {label, value, options?, hint?, type?} a value to enter
 * @param change.choice {label, options: [[value, text]]} a second value to choose; the first is preset
 * @param change.typed the text that must be typed first, for changes that cannot be taken back
 * @param change.action the word on the button
 * @param change.run (reason, value, choice) => a promise; its result is the message, {text, undo?: {label, run}} or text
 */
export const ask = change => show(change);

/** A message at the bottom of the page, with an action for a while. */
export const notify = message => say(typeof message === 'string' ? { text: message } : message);

export function Dialogs() {
  const [change, setChange] = useState(null);
  const [message, setMessage] = useState(null);
  show = setChange;
  say = setMessage;
  return html`
    ${change && html`<${Ask} key=${change.title} change=${change} close=${() => setChange(null)} />`}
    <div class="message" role="status" aria-live="polite">
      ${message && html`
        <p>${message.text}
          ${message.undo
            && html`<button type="button" onClick=${() => { setMessage(null); message.undo.run(); }}>${message.undo.label}</button>`}
          <button type="button" class="plain" onClick=${() => setMessage(null)}>Dismiss</button>
        </p>`}
    </div>`;
}

function Ask({ change, close }) {
  const dialog = useRef();
  const [reason, setReason] = useState(change.reason ?? '');
  const [value, setValue] = useState(change.field?.value ?? '');
  const [choice, setChoice] = useState(change.choice?.options[0][0]);
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const [id] = useState(() => newId('ask'));
  useEffect(() => { dialog.current.showModal(); }, []);

  const complete = reason.trim().length >= 3 && (!change.typed || typed.trim() === change.typed)
    && (!change.field || String(value) !== '' || change.field.optional);
  const submit = async event => {
    event.preventDefault();
    if (!complete || busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const result = await change.run(reason.trim(), value, choice);
      close();
      if (result) notify(result);
    } catch (refused) {
      setProblem(refused.message);
      setBusy(false);
    }
  };

  const field = change.field;
  return html`
    <dialog ref=${dialog} aria-labelledby=${`${id}-title`} onClose=${close} onCancel=${event => busy && event.preventDefault()}>
      <form onSubmit=${submit}>
        <h2 id=${`${id}-title`}>${change.title}</h2>
        ${change.body && html`<div>${change.body}</div>`}
        ${field && html`
          <label for=${`${id}-value`}>${field.label}</label>
          ${field.options
            ? html`<select id=${`${id}-value`} value=${value} onChange=${event => setValue(event.target.value)}>
              ${field.options.map(option => html`<option value=${option}>${option}</option>`)}</select>`
            : html`<input id=${`${id}-value`} type=${field.type ?? 'text'} value=${value} autocomplete="off" spellcheck=${false}
              aria-describedby=${field.hint ? `${id}-hint` : undefined} onInput=${event => setValue(event.target.value)} />`}
          ${field.hint && html`<p class="quiet" id=${`${id}-hint`}>${field.hint}</p>`}`}
        ${change.choice && html`
          <label for=${`${id}-choice`}>${change.choice.label}</label>
          <select id=${`${id}-choice`} value=${choice} onChange=${event => setChoice(event.target.value)}>
            ${change.choice.options.map(([option, text]) => html`<option value=${option}>${text}</option>`)}</select>`}
        ${change.typed && html`
          <label for=${`${id}-typed`}>Type ${change.typed} to confirm</label>
          <input id=${`${id}-typed`} inputmode="numeric" autocomplete="off" value=${typed}
            onInput=${event => setTyped(event.target.value)} />`}
        <label for=${`${id}-reason`}>Reason</label>
        <input id=${`${id}-reason`} autocomplete="off" maxlength="500" required value=${reason} aria-describedby=${`${id}-why`}
          onInput=${event => setReason(event.target.value)} />
        <p class="quiet" id=${`${id}-why`}>At least three letters. The audit shows it with your name.</p>
        ${problem && html`<p class="problem" role="alert">${problem}</p>`}
        <footer>
          <button type="button" class="plain" disabled=${busy} onClick=${close}>Cancel</button>
          <button type="submit" class=${change.danger ? 'danger' : ''} disabled=${!complete || busy}>
            ${busy ? 'Working…' : change.action}</button>
        </footer>
      </form>
    </dialog>`;
}
