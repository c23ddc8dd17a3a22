using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>The fields of a request that the emulator uses.</summary>
/// <param name="Candidates"><c>model</c> and then <c>models</c>. OpenRouter tries them in this order.</param>
/// <param name="UserText">The last user message. Its text parts are joined with line breaks.</param>
/// <param name="ToolResults">The tool results after the last user message, oldest first.</param>
/// <param name="Call">The number of this model call in its turn, from 1.</param>
/// <param name="ToolsAllowed">False when <c>tool_choice</c> is <c>none</c>.</param>
/// <param name="PromptTokens">An estimate: one token per four bytes of the messages, at least 1.</param>
/// <param name="Conversation">A key of the session and the messages. A retry has the same key.</param>
internal sealed record ChatCompletionRequest(
    IReadOnlyList<string> Candidates,
    bool Stream,
    string UserText,
    IReadOnlyList<ToolResult> ToolResults,
    int Call,
    IReadOnlyList<string> Tools,
    bool ToolsAllowed,
    int PromptTokens,
    string Conversation)
{
    /// <summary>The images and files of the last user message.</summary>
    public IReadOnlyList<ReceivedFile> Files { get; private init; } = [];

    /// <summary>The request wants the orders of a document as JSON in a schema.</summary>
    public bool WantsOrders { get; private init; }

    /// <summary>What the pictures and files show, for <see cref="WantsOrders"/>.</summary>
    public string Shown { get; init; } = "";

    /// <summary>True when any message has an image.</summary>
    public bool HasImages { get; private init; }

    /// <summary>What the model sees in <see cref="Files"/>; empty without files.</summary>
    public string Seen { get; init; } = "";

    /// <summary>Reads the fields from the JSON body.</summary>
    /// <exception cref="FormatException">The body is JSON but not a chat completion request.</exception>
    public static ChatCompletionRequest From(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object
            || !body.TryGetProperty("messages", out var messages)
            || messages.ValueKind != JsonValueKind.Array
            || messages.GetArrayLength() == 0)
        {
            throw new FormatException("messages: expected a list of at least one message");
        }

        var candidates = new List<string>();
        if (Text(body, "model") is { } model)
        {
            candidates.Add(model);
        }

        if (body.TryGetProperty("models", out var models) && models.ValueKind == JsonValueKind.Array)
        {
            candidates.AddRange(
                models.EnumerateArray().Select(m => m.GetString()).OfType<string>()
                    .Where(m => !candidates.Contains(m, StringComparer.Ordinal)));
        }

        if (candidates.Count == 0)
        {
            candidates.Add("openrouter/auto");
        }

        var (userText, results, call) = ReadTurn(messages);
        var lastUserMessage = messages.EnumerateArray().LastOrDefault(message => Text(message, "role") == "user");
        var raw = JsonMarshal.GetRawUtf8Value(messages);
        return new(
            candidates,
            body.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True,
            userText,
            results,
            call,
            ToolNames(body),
            Text(body, "tool_choice") != "none",
            Math.Max(1, raw.Length / 4),
            string.Create(CultureInfo.InvariantCulture, $"{Text(body, "session_id") ?? Text(body, "user")}|{Fnv1A(raw):x16}"))
        {
            Files = lastUserMessage.ValueKind == JsonValueKind.Object ? [.. ReceivedFile.Of(lastUserMessage)] : [],
            WantsOrders = body.TryGetProperty("response_format", out var format)
                && format.ValueKind == JsonValueKind.Object
                && format.TryGetProperty("json_schema", out var schema)
                && Text(schema, "name") == "orders",
            HasImages = messages.EnumerateArray().SelectMany(ReceivedFile.Of).Any(file => file.IsImage),
        };
    }

    private static (string UserText, List<ToolResult> Results, int Call) ReadTurn(JsonElement messages)
    {
        var userText = "";
        var results = new List<ToolResult>();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var call = 1;
        foreach (var message in messages.EnumerateArray())
        {
            switch (Text(message, "role"))
            {
                case "user":
                    (userText, call) = (Content(message), 1);
                    results.Clear();
                    break;
                case "assistant" when message.TryGetProperty("tool_calls", out var calls)
                    && calls.ValueKind == JsonValueKind.Array
                    && calls.GetArrayLength() > 0:
                    call++;
                    foreach (var item in calls.EnumerateArray())
                    {
                        if (Text(item, "id") is { } id && item.TryGetProperty("function", out var function))
                        {
                            names[id] = Text(function, "name") ?? "";
                        }
                    }

                    break;
                case "tool":
                    results.Add(
                        new(Text(message, "name") ?? names.GetValueOrDefault(Text(message, "tool_call_id") ?? "", ""), Content(message)));
                    break;
            }
        }

        return (userText, results, call);
    }

    private static ulong Fnv1A(ReadOnlySpan<byte> bytes)
    {
        var hash = 14_695_981_039_346_656_037ul;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 1_099_511_628_211ul;
        }

        return hash;
    }

    private static List<string> ToolNames(JsonElement body) =>
        body.TryGetProperty("tools", out var tools) && tools.ValueKind == JsonValueKind.Array
            ? [.. tools.EnumerateArray()
                .Select(t => t.TryGetProperty("function", out var function) ? Text(function, "name") : null).OfType<string>()]
            : [];

    private static string Content(JsonElement message) =>
        !message.TryGetProperty("content", out var content) ? "" : content.ValueKind switch
        {
            JsonValueKind.String => content.GetString()!,
            JsonValueKind.Array => string.Join('\n', content.EnumerateArray().Select(part => Text(part, "text")).OfType<string>()),
            _ => "",
        };

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}

internal sealed record ToolResult(string Name, string Content);
