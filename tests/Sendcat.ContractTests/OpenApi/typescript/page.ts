// A page of typical calls with the types of openapi-typescript. It compiles only if the document describes requests and responses exactly.
import createClient from 'openapi-fetch'
import type { components, paths } from './api.js'

type Schemas = components['schemas']
declare const process: { argv: string[] }
declare const Buffer: { from(text: string, encoding: string): Uint8Array }

const baseUrl = process.argv[2]
const email = `ts-${Math.random().toString(36).slice(2)}@example.com`
const password = 'correct horse 1'
const guest = createClient<paths>({ baseUrl })

function must<T>(result: { data?: T; error?: unknown; response: Response }): T {
  if (!result.response.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`)
  return result.data as T
}

async function* events<Event>(body: ReadableStream<Uint8Array>): AsyncGenerator<Event> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  for (let text = ''; ;) {
    const { value, done } = await reader.read()
    if (done) return
    const parts = (text + value).split('\n\n')
    text = parts.pop()!
    for (const part of parts) if (part.startsWith('data: {')) yield JSON.parse(part.slice(6))
  }
}

function toForm(fields: Record<string, Blob | string | null | undefined>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) if (value != null) form.append(name, value)
  return form
}

async function answerOf(body: Schemas['ChatBody']): Promise<{ text: string; ending?: Schemas['SendcatEvent']['type'] }> {
  const answer = must(await api.POST('/api/chat', { body, parseAs: 'stream' }))
  let text = ''
  let ending: Schemas['SendcatEvent']['type'] | undefined
  for await (const event of events<Schemas['SendcatEvent']>(answer as unknown as ReadableStream<Uint8Array>)) {
    ending = event.type
    switch (event.type) {
      case 'content':
        text += event.content
        break
      case 'tool-output-error':
        console.log(event.toolCallId, event.errorText)
        break
      case 'error':
        console.log(event.code, event.retryAfterMs ?? 0)
        break
    }
  }
  return { text, ending }
}

// sign-up: optional fields may be left out
must(await guest.POST('/api/auth/register', { body: { email, password }, parseAs: 'json' }))
const signedIn = must(await guest.POST('/api/auth/login', { body: { email, password } }))
const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${signedIn.accessToken}` } })

// chat
const thread = must(await api.POST('/api/threads', { body: { title: 'kettles' } }))
const sent = must(await api.POST('/api/threads/{id}/messages', { params: { path: { id: thread.id } }, body: { content: '[[emu chunks=3]]' } }))
const role: 'user' | 'assistant' | 'system' | 'tool' = sent.role
const { text, ending } = await answerOf({ threadId: thread.id })

// a photo: uploaded, sent with a message, seen by the model
const file = new File([new Uint8Array(Buffer.from(process.argv[3], 'base64'))], 'shoes.png', { type: 'image/png' })
const uploaded = must(await api.POST('/api/attachments', { body: { file }, bodySerializer: toForm }))
const attachments = [{ storageId: uploaded.id }]
must(await api.POST('/api/threads/{id}/messages', { params: { path: { id: thread.id } }, body: { content: 'what is this?', attachments } }))
const { text: seen } = await answerOf({ threadId: thread.id })

// a tool call: its typed events, then the same thread in the shape of useChat, then what the history shows
const second = must(await api.POST('/api/threads'))
const emulated = '[[emu call=1 tool=get_current_time]] [[emu call=2 text="It is late."]]'
const called = must(await api.POST('/api/chat', { body: { threadId: second.id, message: emulated }, parseAs: 'stream' }))
let tool = ''
for await (const event of events<Schemas['SendcatEvent']>(called as unknown as ReadableStream<Uint8Array>)) {
  if (event.type === 'start') tool += event.threadId === second.id ? 'started ' : ''
  if (event.type === 'tool-input-available') tool += `${event.toolName} `
  if (event.type === 'tool-output-available') tool += `${typeof event.output === 'string'} `
}
const message = { id: 'm1', role: 'user', parts: [{ type: 'text', text: '[[emu chunks=3]]' }] }
const ui = must(await api.POST('/api/chat', { body: { id: second.id, trigger: 'submit-message', messages: [message] }, parseAs: 'stream' }))
let uiText = ''
for await (const event of events<Schemas['UiEvent']>(ui as unknown as ReadableStream<Uint8Array>)) if (event.type === 'text-delta') uiText += event.delta
const history = must(await api.GET('/api/chat/{id}/messages', { params: { path: { id: second.id } } }))
const calls = history.items.flatMap(item => item.parts).filter(part => part.toolCallId).map(part => `${part.type} ${part.state} ${typeof part.output === 'string'}`)
must(await api.POST('/api/threads/{id}/share', { params: { path: { id: second.id } } }))

// lists: limit is a number, a missing cursor is undefined and never null
const page = must(await api.GET('/api/threads/{id}/messages', { params: { path: { id: thread.id }, query: { limit: 10 } } }))
const next: string | undefined = page.nextCursor
const titles: string[] = page.items.flatMap(message => message.products ?? []).map(product => product.title)
const statuses: ('streaming' | 'completed' | 'error' | 'aborted' | undefined)[] = page.items.map(message => message.status)

// share and export
const shared = must(await api.POST('/api/threads/{id}/share', { params: { path: { id: thread.id } }, body: {} }))
const forked = must(await api.POST('/api/shares/{token}/fork', { params: { path: { token: shared.shareToken } }, body: {} }))
must(await api.DELETE('/api/threads/{id}/share', { params: { path: { id: thread.id } } }))
const exported = await api.GET('/api/threads/{id}/export', { params: { path: { id: thread.id }, query: { format: 'markdown' } }, parseAs: 'text' })
const download = await api.GET('/api/threads/{id}/export', { params: { path: { id: thread.id }, query: { format: 'json' } }, parseAs: 'json' })
const messages: number = (download.data as unknown as Schemas['ThreadExport']).messages.length
const shown: Schemas['ChatUiMessage'][] = must(await api.GET('/api/chat/{id}/messages', { params: { path: { id: thread.id } } })).items

console.log(JSON.stringify({ messages, shown: shown.map(message => message.role).join(), role, ending, text, next: next ?? null, titles, statuses, forked: forked.id !== thread.id, seen: seen.split(', sha256')[0], exported: String(exported.data).includes(text.trim()), tool, uiText, calls }))
