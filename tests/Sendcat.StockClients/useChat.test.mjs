// Stock useChat against a running Sendcat whose model provider is the emulator. Environment: SENDCAT_URLS, the addresses of the replicas,
// separated by commas; AI_MAJOR, the major version of the AI SDK: 5, 6 or 7.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { open, sdk, signIn, textOf } from "./page.mjs";

const servers = process.env.SENDCAT_URLS.split(",").map(url => url.replace(/\/$/, ""));
const [server] = servers;
const other = servers.at(-1);
const ai = await sdk(process.env.AI_MAJOR);
const numbers = count => Array.from({ length: count }, (_, n) => n + 1).join(" ");
const roles = messages => messages.map(message => message.role);

/** A PNG of one pixel. */
const photo = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

/** What a page shows of an answer: its id and its parts, without those that are not stored. */
const shown = ({ id, role, parts }) => JSON.parse(JSON.stringify({ id, role, parts: parts.filter(part => part.type !== "data-provider-route").map(({ preliminary, title, ...part }) => part) }));

/** The first attempt gets the first answer, later ones the second. */
const twice = (first, second) => `[[emu text="${second}"]] [[emu times=1 key=${randomUUID()} text="${first}"]]`;

test("a fresh page is idle and sends under the id that useChat invented", async () => {
  const guest = await signIn(server);
  const page = await open(ai, server, guest, { resume: true });
  await page.until(chat => chat.status === "ready", "idle");
  assert.equal(page.chat.error, undefined);

  page.chat.sendMessage({ text: 'find me running shoes, size ten and a half [[emu text="Hello."]]' });
  await page.until(chat => chat.messages.length === 2 && chat.status === "ready", "the answer");

  assert.equal(textOf(page.chat.messages[1]), "Hello.");
  const thread = await guest.thread(page.chat.id);
  assert.equal(thread.clientId, page.chat.id);
  assert.equal(thread.title, "find me running shoes, size ten and a ha");
  assert.equal(page.chat.messages[1].metadata.threadId, thread.id);
  page.close();
});

test("a tool call is shown with its result", async () => {
  const guest = await signIn(server);
  const page = await open(ai, server, guest);
  page.chat.sendMessage({ text: '[[emu call=1 tool=get_current_time]] [[emu call=2 text="It is late."]]' });
  await page.until(chat => chat.messages.length === 2 && chat.status === "ready", "the answer");

  const call = page.chat.messages[1].parts.find(part => part.type === "tool-get_current_time");
  assert.equal(call.state, "output-available");
  assert.equal(textOf(page.chat.messages[1]), "It is late.");
  page.close();
});

test("stop ends the turn on the server", async () => {
  const guest = await signIn(server);
  const page = await open(ai, server, guest);
  page.chat.sendMessage({ text: "[[emu chunks=4000 every=25ms]]" });
  await page.until(chat => chat.messages.length === 2 && textOf(chat.messages[1]).length > 10, "the first words");

  assert.equal((await guest.stop(page.chat.id)).status, 204);
  await page.chat.stop();
  await page.idle();

  const stored = await guest.stored(page.chat.id);
  assert.deepEqual([stored.length, stored[1].status], [2, "aborted"]);
  page.chat.sendMessage({ text: '[[emu text="Next."]]' });
  await page.until(chat => chat.status === "ready" && textOf(chat.messages.at(-1)) === "Next.", "the next answer");
  page.close();
});

for (const [name, prompt, replica] of [
  ["a text", "[[emu chunks=4000 every=25ms]]", server],
  ["a text on another replica", "[[emu chunks=4000 every=25ms]]", other],
  ["a turn with a tool call", "[[emu call=1 tool=get_current_time]] [[emu call=2 chunks=4000 every=25ms]]", server],
]) {
  test(`a reloaded page resumes ${name}`, async () => {
    const guest = await signIn(server);
    const page = await open(ai, server, guest);
    const { id } = page.chat;
    page.chat.sendMessage({ text: prompt });
    await page.until(chat => chat.messages.length === 2 && textOf(chat.messages[1]).length > 10, "the first words");
    const seen = textOf(page.chat.messages[1]);
    await page.chat.stop();
    page.close();

    const messages = await guest.history(id);
    const reloaded = await open(ai, replica, guest, { id, messages, resume: true });
    await reloaded.until(chat => chat.messages.length === 2 && textOf(chat.messages[1]).length > seen.length, "the next words");
    assert.equal((await guest.stop(id)).status, 204);
    await reloaded.until(chat => chat.status === "ready", "the end of the answer");

    const text = textOf(reloaded.chat.messages[1]).trim();
    assert.equal(text, numbers(text.split(" ").length));
    assert.equal(text, (await guest.stored(id)).at(-1).content.trim());
    assert.equal(reloaded.chat.messages[1].parts.filter(part => part.type.startsWith("tool-")).length, prompt.includes("tool=") ? 1 : 0);
    reloaded.close();
  });
}

test("an edited message replaces what followed it", async () => {
  const guest = await signIn(server);
  const page = await open(ai, server, guest);
  page.chat.sendMessage({ text: 'red shoes [[emu text="Red."]]' });
  await page.until(chat => chat.messages.length === 2 && chat.status === "ready", "the first answer");
  page.chat.sendMessage({ text: '[[emu text="More."]]' });
  await page.until(chat => chat.messages.length === 4 && chat.status === "ready", "the second answer");

  page.chat.sendMessage({ text: 'blue shoes [[emu text="Blue."]]', messageId: page.chat.messages[0].id });
  await page.until(chat => chat.messages.length === 2 && chat.status === "ready" && textOf(chat.messages[1]) === "Blue.", "the new answer");

  assert.deepEqual((await guest.stored(page.chat.id)).map(message => message.content), ['blue shoes [[emu text="Blue."]]', "Blue."]);
  page.close();
});

test("a regenerated answer replaces the old one", async () => {
  const guest = await signIn(server);
  const page = await open(ai, server, guest);
  page.chat.sendMessage({ text: twice("Old.", "New.") });
  await page.until(chat => chat.messages.length === 2 && chat.status === "ready", "the first answer");

  page.chat.regenerate();
  await page.until(chat => chat.status === "ready" && chat.messages.length === 2 && textOf(chat.messages[1]) === "New.", "the new answer");

  const stored = await guest.stored(page.chat.id);
  assert.deepEqual([roles(stored), stored[1].content], [["user", "assistant"], "New."]);
  page.close();
});

test("an error is reported and the chat goes on", async () => {
  const guest = await signIn(server);
  const page = await open(ai, server, guest);
  page.chat.sendMessage({ text: "[[emu status=400]]" });
  await page.until(chat => chat.status === "error", "the error");
  assert.ok(page.chat.error.message.length > 0);

  page.chat.sendMessage({ text: '[[emu text="Fine."]]' });
  await page.until(chat => chat.status === "ready" && textOf(chat.messages.at(-1)) === "Fine.", "the next answer");
  page.close();
});

test("a reloaded page continues the conversation", async () => {
  const guest = await signIn(server);
  const page = await open(ai, server, guest);
  const { id } = page.chat;
  page.chat.sendMessage({ text: '[[emu text="One."]]' });
  await page.until(chat => chat.messages.length === 2 && chat.status === "ready", "the first answer");
  page.close();

  const reloaded = await open(ai, other, guest, { id, messages: await guest.history(id), resume: true });
  await reloaded.until(chat => chat.status === "ready", "idle");
  assert.equal(textOf(reloaded.chat.messages[1]), "One.");
  reloaded.chat.sendMessage({ text: '[[emu text="Two."]]' });
  await reloaded.until(chat => chat.messages.length === 4 && chat.status === "ready", "the second answer");

  assert.deepEqual(roles(await guest.stored(id)), ["user", "assistant", "user", "assistant"]);
  reloaded.close();
});

test("a reloaded page shows the answer that the stream showed, and asks again by its id", async () => {
  const guest = await signIn(server);
  const page = await open(ai, server, guest);
  const { id } = page.chat;
  page.chat.sendMessage({
    text: '[[emu call=1 tool=get_current_time]] [[emu call=2 text="It is late."]]',
    files: [{ type: "file", mediaType: "image/png", filename: "photo.png", url: photo }],
  });
  await page.until(chat => chat.messages.length === 2 && chat.status === "ready", "the answer");
  const live = page.chat.messages[1];
  page.close();

  const messages = await guest.history(id);
  const reloaded = await open(ai, other, guest, { id, messages, resume: true });
  await reloaded.until(chat => chat.status === "ready" && chat.messages.length === 2, "idle");
  assert.deepEqual(shown(reloaded.chat.messages[1]), shown(live));
  assert.deepEqual(reloaded.chat.messages[0].parts.map(part => [part.type, part.mediaType]), [["file", "image/png"], ["text", undefined]]);
  assert.equal(live.metadata.status, "completed");

  reloaded.chat.regenerate({ messageId: live.id });
  await reloaded.until(chat => chat.messages.length === 2 && chat.messages[1].id !== live.id && chat.messages[1].metadata?.status === "completed", "the new answer");
  assert.deepEqual((await guest.history(id)).map(message => message.id), reloaded.chat.messages.map(message => message.id));
  reloaded.close();
});

for (const [status, prompt] of [["error", "[[emu chunks=20 error-after=5 code=502]]"], ["aborted", "[[emu chunks=4000 every=25ms]]"]]) {
  test(`the status ${status} of an answer is in its metadata, live and after a reload`, async () => {
    const guest = await signIn(server);
    const page = await open(ai, server, guest);
    page.chat.sendMessage({ text: prompt });
    await page.until(chat => chat.messages.length === 2 && textOf(chat.messages[1]).length > 5, "the first words");
    if (status === "aborted") {
      assert.equal((await guest.stop(page.chat.id)).status, 204);
    }

    await page.idle();
    const [, answer] = await guest.history(page.chat.id);
    assert.deepEqual([page.chat.messages[1].metadata.status, answer.metadata.status], [status, status]);
    page.close();
  });
}

test("the turns of other ids of the guest are other threads", async () => {
  const guest = await signIn(server);
  for (const text of ["One.", "Two."]) {
    const page = await open(ai, server, guest, { id: randomUUID() });
    page.chat.sendMessage({ text: `[[emu text="${text}"]]` });
    await page.until(chat => chat.messages.length === 2 && chat.status === "ready", "the answer");
    assert.equal((await guest.stored(page.chat.id)).length, 2);
    page.close();
  }
});
