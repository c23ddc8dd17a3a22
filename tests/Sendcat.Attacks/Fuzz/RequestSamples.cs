using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sendcat.Attacks.Fuzz;

/// <summary>Valid values by the name of a parameter or property.</summary>
internal static class RequestSamples
{
    /// <summary>The text of a message. The emulator responds to it at once, so that a turn needs little time.</summary>
    public const string Prompt = "[[emu chunks=2 every=0]] hello";

    /// <summary>A value of a path parameter. One of twelve is an id of <paramref name="victim"/>.</summary>
    public static string PathValue(
        ApiOperation operation, string name, FuzzIdentity identity, (string Thread, string Message) victim, Random random)
    {
        if (random.Next(12) == 0)
        {
            return random.Next(2) == 0 ? victim.Thread : victim.Message;
        }

        return name switch
        {
            "id" when operation.Path.StartsWith("/api/threads", StringComparison.Ordinal)
                || operation.Path.StartsWith("/api/chat", StringComparison.Ordinal) => Any(identity.Threads, random),
            "messageId" => Any(identity.Messages, random),
            "token" or "shareToken" => Any(identity.ShareTokens, random),
            "name" when operation.IsOps => "OPS_MAX_ROWS_PER_SECTION",
            "mode" => "enforce",
            _ when operation.Path.Contains("items", StringComparison.Ordinal) => string.Create(
                CultureInfo.InvariantCulture, $"v1|{random.NextInt64(100_000_000_000, 999_999_999_999)}|0"),
            _ => random.Next(2) == 0 ? Any(identity.Threads, random) : Guid.NewGuid().ToString(),
        };
    }

    public static string QueryValue(string name, FuzzIdentity identity, Random random) => name switch
    {
        "limit" or "minutes" or "page" or "size" => random.Next(1, 60).ToString(CultureInfo.InvariantCulture),
        "sessionId" => identity.Session ?? "",
        "stream" => random.Next(2) == 0 ? "ui" : "sendcat",
        "format" => Any(["html", "json", "markdown", "text"], random),
        "q" or "query" or "search" => "kettle",
        _ => "",
    };

    /// <summary>A value of a body property, as JSON.</summary>
    public static string BodyValue(string name, JsonNode? schema, FuzzIdentity identity, Random random) => name switch
    {
        "email" => Quote($"{random.Next(1_000_000)}@fuzz.test"),
        "password" or "newPassword" => Quote("a password 1"),
        "sessionId" => identity.Session is { } session ? Quote(session) : "null",
        "threadId" or "id" or "parentThreadId" => Quote(Any(identity.Threads, random)),
        "messageId" => Quote(Any(identity.Messages, random)),
        "refreshToken" => Quote(random.Next(10) == 0 ? identity.RefreshToken ?? "" : "no such token"),
        "content" => Quote(Prompt),
        "modelId" => random.Next(3) == 0 ? Quote("openai/gpt-5") : "null",
        "role" => Quote("user"),
        "trigger" => Quote("submit-message"),
        "messages" => $$"""[{"id":"m{{random.Next(1000)}}","role":"user","parts":[{"type":"text","text":{{Quote(Prompt)}}}]}]""",
        "message" or "attachments" => "null",
        "dryRun" => "true",
        _ => OfType(schema, random),
    };

    private static string OfType(JsonNode? schema, Random random)
    {
        var types = schema?["type"] switch
        {
            JsonArray several => several.Select(type => (string?)type).ToArray(),
            JsonValue one => [(string?)one],
            _ => [],
        };
        return types.FirstOrDefault(type => type != "null") switch
        {
            "string" => Quote("text"),
            "integer" => random.Next(100).ToString(CultureInfo.InvariantCulture),
            "number" => "1.5",
            "boolean" => "true",
            "array" => "[]",
            _ => random.Next(2) == 0 ? "{}" : Quote("text"),
        };
    }

    private static string Quote(string text) => JsonSerializer.Serialize(text);

    private static string Any(IReadOnlyList<string> choices, Random random) =>
        choices.Count == 0 ? Guid.NewGuid().ToString() : choices[random.Next(choices.Count)];
}
