#nullable enable
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading.Tasks;
using Generated;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

/// <summary>
/// A page of typical calls with the client that NSwag generates. It is compiled by a test, and only if the document describes requests and
/// responses exactly.
/// </summary>
public static class TypicalCalls
{
    public static async Task<string> RunAsync(HttpClient http, byte[] photo)
    {
        var api = new SendcatClient(http);
        var (email, password) = ($"cs-{Guid.NewGuid():N}@example.com", "correct horse 1");

        // sign-up: optional fields may be left out
        await api.Auth_registerAsync(new Registration { Email = email, Password = password });
        SignedIn signedIn = await api.Auth_loginAsync(new SignIn { Email = email, Password = password });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", signedIn.AccessToken);

        // chat
        ThreadView thread = await api.Threads_createAsync(new NewThread { Title = "kettles" });
        var id = thread.Id.ToString();
        MessageView sent = await api.Messages_sendAsync(id, new NewMessage { Content = "[[emu chunks=3]]" });
        MessageViewRole role = sent.Role;
        var (text, ending) = await AnswerAsync(api, new ChatBody { ThreadId = id });

        // a photo: uploaded, sent with a message, seen by the model
        await using var png = new MemoryStream(photo);
        AttachmentView uploaded = await api.Attachments_uploadAsync(new FileParameter(png, "shoes.png", "image/png"));
        await api.Messages_sendAsync(
            id,
            new NewMessage { Content = "what is this?", Attachments = [new AttachmentReference { StorageId = uploaded.Id.ToString() }] });
        var (seen, _) = await AnswerAsync(api, new ChatBody { ThreadId = id });

        // a tool call: its typed events, then the same thread in the shape of useChat, then what the history shows
        ThreadView second = await api.Threads_createAsync();
        id = second.Id.ToString();
        string tool = "";
        using (FileResponse called = await api.StartChatAsync(
            new ChatBody { ThreadId = id, Message = "[[emu call=1 tool=get_current_time]] [[emu call=2 text=\"It is late.\"]]" }))
        {
            foreach (var data in await EventsAsync(called))
            {
                tool += (string?)data["type"] switch
                {
                    "start" => data.ToObject<SendcatEventStart>()!.ThreadId == id ? "started " : "",
                    "tool-input-available" => data.ToObject<SendcatEventToolInputAvailable>()!.ToolName + " ",
                    "tool-output-available" => $"{data.ToObject<SendcatEventToolOutputAvailable>()!.Output is string} ",
                    _ => "",
                };
            }
        }

        UiMessage message = new() { Id = "m1", Role = "user", Parts = [new UiPart { Type = "text", Text = "[[emu chunks=3]]" }] };
        using FileResponse ui = await api.StartChatAsync(
            new ChatBody { Id = id, Trigger = ChatBodyTrigger.SubmitMessage, Messages = [message] });
        var uiText = string.Concat(
            (await EventsAsync(ui)).Where(data => (string?)data["type"] == "text-delta")
                .Select(data => data.ToObject<UiEventTextDelta>()!.Delta));
        PageOfChatUiMessage history = await api.ChatMessagesAsync(id);
        var calls = history.Items.SelectMany(item => item.Parts).Where(part => part.ToolCallId is not null)
            .Select(part => $"{part.Type} {part.State} {part.Output is string}");
        await api.Threads_createShareTokenAsync(id);
        id = thread.Id.ToString();

        // lists: limit is a number, and fields without a value are null
        PageOfMessageView page = await api.Messages_listAsync(id, limit: 10);
        string? next = page.NextCursor;
        string[] titles = page.Items.SelectMany(message => message.Products ?? []).Select(product => product.Title).ToArray();
        MessageViewStatus?[] statuses = page.Items.Select(message => message.Status).ToArray();

        // share and export
        ShareLink shared = await api.Threads_createShareTokenAsync(id, new NewShare());
        ThreadView forked = await api.Threads_createShareForkAsync(shared.ShareToken, new Fork());
        using FileResponse export = await api.Threads_exportAsync(id, format: Format.Markdown);
        var exported = await new StreamReader(export.Stream).ReadToEndAsync();
        using FileResponse download = await api.Threads_exportAsync(id, format: Format.Json);
        ThreadExport file = JsonConvert.DeserializeObject<ThreadExport>(await new StreamReader(download.Stream).ReadToEndAsync())!;
        PageOfChatUiMessage shown = await api.ChatMessagesAsync(id);

        return JsonConvert.SerializeObject(new
        {
            messages = file.Messages.Count,
            shown = string.Join(',', shown.Items.Select(message => message.Role.ToString().ToLowerInvariant())), role = role.ToString(),
            ending, text, next, titles, statuses = statuses.Select(status => status?.ToString()), forked = forked.Id != thread.Id,
            seen = seen.Split(", sha256")[0], exported = exported.Contains(text.Trim(), StringComparison.Ordinal),
            tool, uiText, calls,
        });
    }

    private static async Task<(string Text, string Ending)> AnswerAsync(SendcatClient api, ChatBody body)
    {
        var (text, ending) = ("", "");
        using FileResponse answer = await api.StartChatAsync(body);
        foreach (var data in await EventsAsync(answer))
        {
            ending = (string)data["type"]!;
            text += ending == "content" ? data.ToObject<SendcatEventContent>()!.Content : "";
        }

        return (text, ending);
    }

    private static async Task<List<JObject>> EventsAsync(FileResponse answer)
    {
        var events = new List<JObject>();
        using var lines = new StreamReader(answer.Stream);
        while (await lines.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                events.Add(JObject.Parse(line["data: ".Length..]));
            }
        }

        return events;
    }
}
