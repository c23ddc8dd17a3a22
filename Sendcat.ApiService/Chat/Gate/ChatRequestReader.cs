using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Threads;
using Sendcat.Reliability.UntrustedText;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>Reads a body into a <see cref="ChatRequest"/>. It checks media type, size, JSON and schema, in this order.</summary>
internal static class ChatRequestReader
{
    /// <summary>Maximum bytes of a body in <c>useChat</c> shape: 1 MiB, because standard clients post the whole history.</summary>
    public const int UiLimit = 1_048_576;

    private const int MaxIdLength = 200;

    public static async ValueTask<Outcome<ChatRequest>> ReadAsync(HttpContext http)
    {
        var read = await JsonBody.ReadAsync(
            http, UiLimit, ChatJson.Default.ChatBody, static body => body is not null && IsUi(body) ? UiLimit : JsonBody.OrdinaryLimit,
            http.RequestAborted);
        if (!read.TryGet(out var body, out var refusal))
        {
            return refusal;
        }

        if (IsUi(body))
        {
            return ReadUi(body);
        }

        return Check(body, "threadId", body.ThreadId) ?? (Outcome<ChatRequest>)new ChatRequest
        {
            ThreadId = body.ThreadId!, ModelId = body.ModelId, WebSearch = body.WebSearch ?? false, SessionId = body.SessionId,
        };
    }

    private static Outcome<ChatRequest> ReadUi(ChatBody body)
    {
        if (Check(body, "id", body.Id) is { } wrong)
        {
            return wrong;
        }

        if (body.Trigger is not (null or "submit-message" or "regenerate-message"))
        {
            return ApiError.InvalidRequest("Invalid request: trigger must be submit-message or regenerate-message");
        }

        var regenerates = body.Trigger == "regenerate-message";
        if (LastUserMessage(body) is not { } message)
        {
            return regenerates
                ? Ui(body, new UiTurn(null, null, [], true, body.MessageId))
                : ApiError.InvalidRequest("Invalid request: messages must hold a user message with text or files");
        }

        var raw = JsonMarshal.GetRawUtf8Value(message);
        if (raw.Length > JsonBody.OrdinaryLimit)
        {
            return ApiError.PayloadTooLarge(JsonBody.OrdinaryLimit);
        }

        if (!JsonBody.IsWellFormed(new Utf8JsonReader(raw)))
        {
            return ApiError.InvalidJson();
        }

        var (text, files) = Parts(message);
        var id = Text(message, "id");
        if (!regenerates && Problem(id, text, files) is { } problem)
        {
            return ApiError.InvalidRequest($"Invalid request: {problem}");
        }

        return Ui(body, new UiTurn(id, text, files, regenerates, body.MessageId));
    }

    private static ChatRequest Ui(ChatBody body, UiTurn turn) => new()
    {
        ThreadId = body.Id!, ModelId = body.ModelId, WebSearch = body.WebSearch ?? false, SessionId = body.SessionId, Ui = turn,
    };

    private static ApiError? Check(ChatBody body, string name, string? threadId)
    {
        var problems = new List<string>();
        if (threadId is not { Length: >= 1 and <= MaxIdLength })
        {
            problems.Add($"{name} is required");
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
    private static string? Problem(string? id, string text, IReadOnlyList<UiFile> files) =>
        id is not null && !StoredText.HasText(id, MaxIdLength) ? $"a message id must have 1 to {MaxIdLength} characters"
        : files.Count == 0 && string.IsNullOrWhiteSpace(text) ? "messages must hold a user message with text or files"
        : !StoredText.Fits(text, JsonBody.OrdinaryLimit) ? "text must be plain text"
        : files.Count > Attachment.MostPerMessage ? $"at most {Attachment.MostPerMessage} files"
        : files.Any(file => !Attachment.IsAllowedType(file.MediaType)) ? "a file must be an image or application/pdf"
        : files.Any(file => !StoredText.HasText(file.Name, Attachment.LongestName)) ? $"a file name must have 1 to {Attachment.LongestName} characters"
        : files.Any(file => !Uri.TryCreate(file.Url, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http" or "data")
                || !StoredText.Fits(file.Url, JsonBody.OrdinaryLimit))
            ? "a file must have an https or a data address"
        : null;

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

    private static (string Text, IReadOnlyList<UiFile> Files) Parts(JsonElement message)
    {
        var text = new StringBuilder(Text(message, "content"));
        var files = new List<UiFile>();
        if (message.TryGetProperty("parts", out var parts) && parts.ValueKind == JsonValueKind.Array)
        {
            foreach (var part in parts.EnumerateArray().Where(part => part.ValueKind == JsonValueKind.Object))
            {
                switch (Text(part, "type"))
                {
                    case "text":
                        text.Append(Text(part, "text"));
                        break;
                    case "file" when Text(part, "url") is { } url && Text(part, "mediaType") is { } type:
                        files.Add(new UiFile(url, type, Text(part, "filename") ?? "file"));
                        break;
                }
            }
        }

        return (text.ToString(), files);
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? LenientJsonString.ReadWellFormed(value) : null;

    private static bool IsUi(ChatBody body) => body.ThreadId is null && (body.Messages is not null || body.Message is not null);
}
