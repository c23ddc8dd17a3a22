// The page of docs/how-to/use-chat.md as it stands there, against a running Sendcat. Environment: as for useChat.test.mjs.
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { transform } from "sucrase";
import { storage, wait, window } from "./page.mjs";

const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");

const [server] = process.env.SENDCAT_URLS.split(",").map(url => url.replace(/\/$/, ""));
const major = process.env.AI_MAJOR;
const howTo = await readFile(new URL("../../docs/how-to/use-chat.md", import.meta.url), "utf8");
const [page, otherTabs] = [...howTo.matchAll(/```jsx\n(.*?)```/gs)].map(block => block[1]);
const main = window.document.querySelector("main");
const shown = () => main.textContent;
const words = () => (shown().match(/assistant: ([\d ]*)/)?.[1] ?? "").trim().split(" ").length;
let loads = 0;

/** Loads the page as a browser does: the module runs again, the storage stays. */
const load = async (code = page, main = window.document.querySelector("main"), isLoaded = () => main.querySelector("form")) => {
  const source = code.replace("http://localhost:5080", server).replace("'ai'", `'ai-${major}'`).replace("'@ai-sdk/react'", `'ai-sdk-react-${major}'`);
  const file = new URL(`node_modules/.how-to-${process.pid}-${++loads}.mjs`, import.meta.url);
  await writeFile(file, transform(source, { transforms: ["jsx"], jsxRuntime: "automatic", production: true }).code);
  const { Page } = await import(file);
  await rm(file);
  const root = createRoot(main);
  root.render(createElement(Page));
  await wait(isLoaded, "the page", shown);
  return root;
};

const click = element => element.dispatchEvent(new window.MouseEvent("click", { bubbles: true, cancelable: true }));
/** The button besides the form: Stop, or Try again. */
const button = (tab = main) => [...tab.querySelectorAll("button")].find(button => !button.closest("form"));
const sendButton = () => main.querySelector("form button");
const fill = text => { main.querySelector("input").value = text; };

/** Sends a message as a user does: with the button, as soon as it is enabled. */
const send = async text => {
  await wait(() => !sendButton().disabled, "the end of the turn before", shown);
  fill(text);
  click(sendButton());
};

test("the page of the how-to chats, stops, and shows the conversation after a reload", async () => {
  storage.clear();
  let root = await load();
  await send('[[emu text="Hello there."]]');
  await wait(() => shown().includes("assistant: Hello there."), "the answer", shown);

  await send("[[emu chunks=4000 every=25ms]]");
  await wait(() => button()?.textContent === "Stop" && shown().includes("assistant: 1 2 3"), "the first words", shown);
  click(button());
  await wait(() => !button(), "the end of the answer", shown);
  root.unmount();

  const messages = await (await fetch(`${server}/api/threads/${storage.chat}/messages`, { headers: { "x-sendcat-session": storage.session } })).json();
  assert.deepEqual(messages.items.map(message => message.status), ["completed", "completed", "completed", "aborted"]);

  root = await load();
  await wait(() => shown().includes("assistant: Hello there."), "the stored conversation", shown);
  root.unmount();
});

test("a reloaded page of the how-to resumes the running answer", async () => {
  storage.clear();
  let root = await load();
  await send("[[emu chunks=4000 every=25ms]]");
  await wait(() => shown().includes("assistant: 1 2 3"), "the first words", shown);
  const seen = words();
  root.unmount();

  root = await load();
  await wait(() => words() > seen && button(), "the next words", shown);
  click(button());
  await wait(() => !button(), "the end of the answer", shown);
  assert.equal(shown().split("assistant:").length, 2);
  root.unmount();
});

test("a reloaded page of the how-to shows tool calls, photos, and the mark of a failed answer", async t => {
  storage.clear();
  let root = await load();
  t.after(() => root.unmount());
  const id = storage.chat;
  const headers = { "x-sendcat-session": storage.session, "content-type": "application/json" };
  const photo = { type: "file", mediaType: "image/png", filename: "shoes", url: "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==" };
  const parts = [photo, { type: "text", text: '[[emu call=1 tool=get_current_time]] [[emu call=2 text="It is late."]]' }];
  await (await fetch(`${server}/api/chat`, { method: "POST", headers, body: JSON.stringify({ id, messages: [{ id: "m1", role: "user", parts }] }) })).text();
  await send(`[[emu chunks=20 error-after=5 code=502 times=1 key=${process.pid}-${Date.now()}]]`);
  await wait(() => shown().includes("(failed)"), "the mark", shown);
  root.unmount();

  root = await load();
  await wait(() => main.querySelector("img")?.src.startsWith("blob:"), "the photo", shown);
  assert.match(shown(), /get_current_time: output-available.*It is late\..*\(failed\)/s);
  assert.equal(main.querySelectorAll("small").length, 1);

  await wait(() => button()?.textContent === "Try again", "the button of the failed answer", shown);
  click(button());
  const last = () => main.querySelector("p:last-of-type").textContent;
  await wait(() => /^assistant: \w/.test(last()) && !shown().includes("(failed)") && !sendButton().disabled, "the repeated answer", shown);
  root.unmount();
});

test("a second tab of the how-to shows what the first one sends, and stops it", async t => {
  storage.clear();
  const useChat = /const chat = useChat\(.*\n/;
  assert.match(page, useChat);
  const withTabs = otherTabs + page.replace(useChat, "$&  useOtherTabs(chat)\n");
  const first = await load(withTabs);
  const aside = window.document.body.appendChild(window.document.createElement("aside"));
  let second;
  t.after(() => {
    first.unmount();
    second?.unmount();
    aside.remove();
  });
  const other = () => aside.textContent;
  await send('[[emu text="Hello there."]]');
  await wait(() => shown().includes("assistant: Hello there."), "the answer", shown);
  second = await load(withTabs, aside);
  await wait(() => other().includes("assistant: Hello there."), "the stored conversation", other);

  await send('[[emu text="Soon."]]');
  await wait(() => other().includes("assistant: Soon."), "the answer in the other tab", other);

  await wait(() => !button(), "the end of the answer", shown);
  await send("[[emu chunks=4000 every=25ms]]");
  await wait(() => button(aside)?.textContent === "Stop" && other().includes("assistant: 1 2 3"), "the first words in the other tab", other);
  click(button(aside));
  await wait(() => shown() === other() && shown().includes("(stopped)"), "the end of the answer in both", () => `${shown()}\n${other()}`);
  assert.equal(shown().split("assistant:").length, 4);
});

test("the page of the how-to shows an error, and its button asks again", async () => {
  storage.clear();
  const root = await load();
  await send(`[[emu text="Now it works."]] [[emu status=400 times=1 key=${process.pid}-${Date.now()}]]`);
  await wait(() => button()?.textContent === "Try again", "the error", shown);
  click(button());
  await wait(() => shown().includes("assistant: Now it works."), "the answer", shown);
  root.unmount();
});

test("the page of the how-to sends nothing while an answer runs, and no empty text", async t => {
  storage.clear();
  const root = await load();
  t.after(() => root.unmount());
  await wait(() => !sendButton().disabled, "the end of the resume", shown);
  for (const empty of ["", "  "]) {
    fill(empty);
    click(sendButton());
  }
  assert.doesNotMatch(shown(), /user:/);

  await send("[[emu chunks=4000 every=25ms]]");
  await wait(() => shown().includes("assistant: 1 2 3"), "the first words", shown);
  fill("second");
  click(sendButton());
  assert.deepEqual([main.querySelector("input").value, shown().split("user:").length], ["second", 2]);
  click(button());
  await wait(() => !sendButton().disabled, "the end of the answer", shown);
  click(sendButton());
  await wait(() => shown().includes("user: second"), "the second message", shown);
});

test("the page of the how-to replaces a session that is refused, and shows why it cannot open", async t => {
  storage.clear();
  (await load()).unmount();
  const refused = storage.session = `${storage.session}x`;
  let root = await load();
  assert.notEqual(storage.session, refused);
  root.unmount();

  const { fetch } = globalThis;
  t.after(() => {
    globalThis.fetch = fetch;
    root.unmount();
  });
  globalThis.fetch = async () => new Response("[upstream_unavailable:chat.messages] Too busy. Please try again.", { status: 503 });
  root = await load(page, main, () => shown() === "Too busy. Please try again.");
});
