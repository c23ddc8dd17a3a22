#nullable enable
using System;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Threading.Tasks;
using Generated;

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
        await api.Messages_sendAsync(id, new NewMessage { Content = "what is this?", Attachments = [new AttachmentReference { StorageId = uploaded.Id.ToString() }] });
        var (seen, _) = await AnswerAsync(api, new ChatBody { ThreadId = id });

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
        ThreadExport file = (await JsonSerializer.DeserializeAsync<ThreadExport>(download.Stream))!;
        PageOfChatUiMessage shown = await api.ChatMessagesAsync(id);

        return JsonSerializer.Serialize(new
        {
            messages = file.Messages.Count, shown = string.Join(',', shown.Items.Select(message => message.Role.ToString().ToLowerInvariant())), role = role.ToString(), ending, text, next, titles, statuses = statuses.Select(status => status?.ToString()), forked = forked.Id != thread.Id,
            seen = seen.Split(", sha256")[0], exported = exported.Contains(text.Trim(), StringComparison.Ordinal),
        });
    }
    private static async Task<(string Text, string Ending)> AnswerAsync(SendcatClient api, ChatBody body)
    {
        var (text, ending) = ("", "");
        using FileResponse answer = await api.StartChatAsync(body);
        using var lines = new StreamReader(answer.Stream);
        while (await lines.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }

            using var data = JsonDocument.Parse(line["data: ".Length..]);
            ending = data.RootElement.GetProperty("type").GetString()!;
            text += ending == "content" ? data.Deserialize<SendcatEventContent>()!.Content : "";
        }

        return (text, ending);
    }
}
