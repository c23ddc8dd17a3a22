// A page with one chat, as an application would write it: stock useChat in a React component, rendered into jsdom.
import { JSDOM } from "jsdom";

const dom = new JSDOM("<!doctype html><main></main>", { url: "http://localhost:3000/" });
globalThis.window = dom.window;
globalThis.document = dom.window.document;
globalThis.navigator ??= dom.window.navigator;
globalThis.FormData = dom.window.FormData;
export const { window } = dom;
export const storage = window.localStorage;
Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });

const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");

const maxWaitMs = 60_000;

/** Waits until the condition holds. After a minute it throws with what happened and the present state. */
export const wait = async (condition, what, state) => {
  const deadline = Date.now() + maxWaitMs;
  while (!condition()) {
    if (Date.now() > deadline) {
      throw new Error(`${what} did not happen: ${state()}`);
    }

    await new Promise(resolve => setTimeout(resolve, 10));
  }
};

/** The packages of one major version of the AI SDK. */
export const sdk = async major => ({
  ...(await import(`ai-${major}`)),
  ...(await import(`ai-sdk-react-${major}`)),
});

/** A guest: its signed session, and the requests of the page besides those of useChat. */
export const signIn = async server => {
  const response = await fetch(`${server}/api/auth/anonymous`, { method: "POST" });
  const { sessionId } = await response.json();
  const headers = { "x-sendcat-session": sessionId };
  return {
    headers,
    stop: id => fetch(`${server}/api/threads/${id}/abort`, { method: "POST", headers }),
    thread: async id => (await fetch(`${server}/api/threads/${id}`, { headers })).json(),
    history: async id => (await (await fetch(`${server}/api/chat/${id}/messages`, { headers })).json()).items,
    stored: async id => (await (await fetch(`${server}/api/threads/${id}/messages`, { headers })).json()).items ?? [],
  };
};

/** Opens a page. Its useChat invents the chat id unless one is given. */
export const open = async ({ DefaultChatTransport, useChat }, server, guest, options = {}) => {
  let chat;
  const transport = new DefaultChatTransport({ api: `${server}/api/chat`, headers: guest.headers });
  const Page = () => {
    chat = useChat({ transport, ...options });
    return null;
  };
  const root = createRoot(document.querySelector("main"));
  root.render(createElement(Page));
  const until = async (condition, what) => {
    await wait(() => chat && condition(chat), what, () => `${chat?.status} ${chat?.error ?? ""} ${JSON.stringify(chat?.messages)}`);
    return chat;
  };
  await until(() => true, "the first rendering");
  return {
    get chat() {
      return chat;
    },
    until,
    idle: () => until(c => c.status === "ready" || c.status === "error", "the end of the turn"),
    close: () => root.unmount(),
  };
};

export const textOf = message => message.parts.filter(part => part.type === "text").map(part => part.text).join("");
