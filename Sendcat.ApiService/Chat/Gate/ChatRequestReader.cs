using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.Outbound;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>Reads a <see cref="ChatRequest"/>: the body, as <see cref="ChatBodyReader"/> reads it, and then its rules.</summary>
internal static class ChatRequestReader
{
    /// <summary>The header with which a client names a request, so that its repetition creates nothing again.</summary>
    public const string IdempotencyKey = "Idempotency-Key";

    private const int MaxIdLength = 200;

    /// <param name="http">The request.</param>
    /// <param name="maxUiBytes">Maximum bytes of a body in <c>useChat</c> shape. Other bodies have the ordinary limit.</param>
    /// <param name="large">The slots for large messages.</param>
    /// <param name="principals">Identifies the caller of a large message by its headers and cookies.</param>
    public static async ValueTask<Outcome<ChatRequest>> ReadAsync(
        HttpContext http, int maxUiBytes, LargeMessages large, Principals principals)
    {
        if (!(await ChatBodyReader.ReadAsync(http, maxUiBytes, large, principals)).TryGet(out var body, out var refusal))
        {
            return refusal;
        }

        if (RequestedDialect.Check(http) is { } noDialect)
        {
            return noDialect;
        }

        var key = http.Request.Headers[IdempotencyKey];
        if (key.Count > 1 || (key.Count == 1 && !ThreadName.IsClientId(key)))
        {
            return ApiError.InvalidRequest(
                $"Invalid request: {IdempotencyKey} must have 1 to {ThreadName.LongestClientId} letters, digits or -_");
        }

        return (ChatBodyReader.IsUi(body) ? ReadUi(body) : ReadSendcat(body)).TryGet(out var request, out refusal)
            ? WithKey(request, key)
            : refusal;
    }

    /// <summary>
    /// The key identifies what the request creates: the thread, if it names none, and the message, if it has no id; otherwise the turn.
    /// </summary>
    private static ChatRequest WithKey(ChatRequest request, string? key) => key is null ? request : request with
    {
        ThreadId = request.ThreadId ?? key,
        Message = NamesMessage(request) ? request.Message! with { ClientId = key, HasIdFromKey = true } : request.Message,
        Key = NamesMessage(request) ? null : key,
    };

    private static bool NamesMessage(ChatRequest request) => request is { Regeneration: null, Message.ClientId: null };

    private static Outcome<ChatRequest> ReadSendcat(ChatBody body)
    {
        UserMessage? message = null;
        if (body.Message is { } sent)
        {
            if (sent.ValueKind != JsonValueKind.String)
            {
                return ApiError.InvalidRequest("Invalid request: message must be a text");
            }

            if (Text(sent) is not { } text)
            {
                return ApiError.InvalidJson();
            }

            message = new UserMessage(body.ClientId, text, Uploaded(body.Attachments));
        }
        else if (body.Attachments is { Count: > 0 } attachments)
        {
            message = new UserMessage(body.ClientId, "", Uploaded(attachments));
        }

        var problem = body.ThreadId is null or "" && message is null ? "threadId or message is required"
            : message is not null ? Problem(message) : null;
        return Check(body, problem) ?? (Outcome<ChatRequest>)(Request(body, body.ThreadId) with { Message = message });
    }

    /// <summary>
    /// The files of a message in Sendcat's shape. Their type and name are those of the upload, so the ones here are not used.
    /// </summary>
    private static IReadOnlyList<UiFile> Uploaded(IReadOnlyList<AttachmentReference>? attachments) =>
        [.. attachments?.Select(file => new UiFile($"{AttachmentEndpoints.Path}/{file?.StorageId}", MediaType.Pdf, "file")) ?? []];

    private static Outcome<ChatRequest> ReadUi(ChatBody body)
    {
        var regenerates = body.Trigger == "regenerate-message";
        var problem = body.Id is "" ? "id must not be empty"
            : body.Trigger is not (null or "submit-message" or "regenerate-message")
                ? "trigger must be submit-message or regenerate-message"
            : null;
        if (Check(body, problem) is { } wrong)
        {
            return wrong;
        }

        var request = Request(body, body.Id) with
        {
            IsUi = true, Regeneration = regenerates ? new(body.MessageId, null) : null, EditedId = regenerates ? null : body.MessageId,
        };
        if (LastUserMessage(body) is not { } last)
        {
            return regenerates ? request : ApiError.InvalidRequest("Invalid request: messages must hold a user message with text or files");
        }

        var raw = JsonMarshal.GetRawUtf8Value(last);
        if (!JsonBody.IsWellFormed(new Utf8JsonReader(raw, new JsonReaderOptions { MaxDepth = ChatBodyReader.MaxDepth })))
        {
            return ApiError.InvalidJson();
        }

        var (text, files) = Parts(last);
        if (Encoding.UTF8.GetByteCount(text) > JsonBody.OrdinaryLimit)
        {
            return ApiError.PayloadTooLarge(JsonBody.OrdinaryLimit, "The text of a message");
        }

        var message = new UserMessage(Text(last, "id"), text, files);
        if (Problem(message) is not { } invalid)
        {
            return request with
            {
                Message = message, Regeneration = request.Regeneration is null ? null : new(body.MessageId, message.ClientId),
            };
        }

        // A message that is only answered again is stored already; its content is not needed.
        return regenerates
            ? request with { Regeneration = new(body.MessageId, message.ClientId) }
            : ApiError.InvalidRequest($"Invalid request: {invalid}");
    }

    private static ChatRequest Request(ChatBody body, string? threadId) => new()
    {
        ThreadId = threadId, BeginsThread = threadId is null, ModelId = body.ModelId, WebSearch = body.WebSearch ?? false,
        SessionId = body.SessionId,
    };

    private static ApiError? Check(ChatBody body, string? problem)
    {
        var problems = new List<string>();
        if (problem is not null)
        {
            problems.Add(problem);
        }

        problems.AddRange(ThreadRules.Problems(title: null, body.ModelId));

        if (body.SessionId is { Length: 0 })
        {
            problems.Add("sessionId must not be empty");
        }

        return problems.Count == 0 ? null : ApiError.InvalidRequest($"Invalid request: {string.Join(", ", problems)}");
    }

    /// <summary>
    /// Checks the user's message: the same rules as for messages that are stored without a turn, and the URL schemes that a provider may
    /// fetch.
    /// </summary>
    /// <returns>The problem; null if there is none.</returns>
    private static string? Problem(UserMessage message) =>
        message.ClientId is not null && !StoredText.HasText(message.ClientId, MaxIdLength)
            ? $"a message id must have 1 to {MaxIdLength} characters"
        : message.Files.Count == 0 && string.IsNullOrWhiteSpace(message.Text) ? "messages must hold a user message with text or files"
        : !StoredText.Fits(message.Text, JsonBody.OrdinaryLimit) ? "text must be plain text"
        : Problem(message.Files);

    private static string? Problem(IReadOnlyList<UiFile> files) =>
        files.Count > MessageAttachment.MostPerMessage ? $"at most {MessageAttachment.MostPerMessage} files"
        : files.Any(file => file.MediaType is { } type && !MediaType.IsKnown(type)) ? "a file must be an image or application/pdf"
        : files.Any(file => !StoredText.HasText(file.Name, FileName.Longest)) ? $"a file name must have 1 to {FileName.Longest} characters"
        : files.Any(file => !IsAddress(file.Url))
            ? $"a file must have an https or a data address, or the path {AttachmentEndpoints.Path}/{{id}}"
        : files.Any(file => file.MediaType is null && IsWebAddress(file.Url)) ? "a file with a web address must have a mediaType"
        : null;

    private static bool IsAddress(string text) =>
        AttachmentEndpoints.IdIn(text) is not null
        || DataAddress.Is(text)
        || (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "https" or "http"
            && StoredText.Fits(text, JsonBody.OrdinaryLimit));

    private static bool IsWebAddress(string address) => AttachmentEndpoints.IdIn(address) is null && !DataAddress.Is(address);

    private static JsonElement? LastUserMessage(ChatBody body)
    {
        if (body.Message is { ValueKind: JsonValueKind.Object } only && Text(only, "role") is null or "user")
        {
            return body.Message;
        }

        if (body.Messages is not { ValueKind: JsonValueKind.Array } all)
        {
            return null;
        }

        JsonElement? last = null;
        foreach (var message in all.EnumerateArray())
        {
            if (message.ValueKind == JsonValueKind.Object && Text(message, "role") == "user")
            {
                last = message;
            }
        }

        return last;
    }

    /// <summary>
    /// Messages of earlier versions of the AI SDK repeat their text parts in <c>content</c>, which counts only without them.
    /// </summary>
    private static (string Text, IReadOnlyList<UiFile> Files) Parts(JsonElement message)
    {
        StringBuilder? text = null;
        var files = new List<UiFile>();
        if (message.TryGetProperty("parts", out var parts) && parts.ValueKind == JsonValueKind.Array)
        {
            foreach (var part in parts.EnumerateArray().Where(part => part.ValueKind == JsonValueKind.Object))
            {
                switch (Text(part, "type"))
                {
                    case "text":
                        (text ??= new()).Append(Text(part, "text"));
                        break;
                    case "file":
                        var type = MediaType.Named(Text(part, "mediaType"));
                        files.Add(new UiFile(Text(part, "url") ?? "", type, Text(part, "filename") ?? "file"));
                        break;
                }
            }
        }

        return (text?.ToString() ?? Text(message, "content") ?? "", files);
    }

    private static string? Text(JsonElement element, string name) => element.TryGetPart(name, out var value) ? Text(value) : null;

    private static string? Text(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? LenientJsonString.ReadWellFormed(value) : null;
}
