using System.Text.Json;
using Npgsql;
using Sendcat.IntegrationTests.Chat;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>Prompts, turns and queries that several tests of tools use.</summary>
internal static class ToolPrompts
{
    /// <summary>A prompt whose first model call calls the tool and whose second one says "Done.".</summary>
    /// <param name="query">The query of the tool call. It may contain markers for the emulated upstream.</param>
    public static string CallTool(string tool, string query, string id = "call_1") =>
        $$"""[[emu call=1 tool={{tool}} id={{id}} args={{Arguments(query)}}]] [[emu call=2 text="Done."]]""";

    /// <summary>The arguments of a tool call with this query, as JSON.</summary>
    public static string Arguments(string query) => JsonSerializer.Serialize(new { query });

    /// <summary>The property as text; null if it is missing or no text.</summary>
    public static string? Text(this JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The content of the last tool message of the thread.</summary>
    public static async Task<string> LastToolMessageAsync(this SendcatClient guest, string thread) =>
        (await guest.MessagesAsync(thread)).Last(message => message.Text("role") == "tool").Text("content")!;

    /// <summary>Runs a turn of a new guest to its end.</summary>
    public static async Task<ToolTurn> TurnAsync(this SendcatSystem sendcat, string prompt, bool webSearch = true, int replica = 0)
    {
        using var guest = (await sendcat.GuestAsync()).At(sendcat.Replicas[replica]);
        var thread = await guest.NewThreadAsync(prompt);
        await using var stream = await guest.ChatAsync(thread, webSearch: webSearch);
        await stream.ReadToEndAsync();
        return new(stream.Events, await guest.MessagesAsync(thread));
    }

    /// <summary>The first value of the result; the default of <typeparamref name="T"/> if there is none of this type.</summary>
    public static async Task<T?> QueryScalarAsync<T>(this SendcatSystem sendcat, string sql)
    {
        await using var connection = new NpgsqlConnection(sendcat.Database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }
}

/// <summary>The events of a finished turn and the messages of its thread.</summary>
internal sealed record ToolTurn(IReadOnlyList<JsonElement> Events, IReadOnlyList<JsonElement> Messages)
{
    public IReadOnlyList<string> Types => [.. Events.Select(chatEvent => chatEvent.Text("type")!)];

    /// <summary>The events of this type.</summary>
    public IEnumerable<JsonElement> Of(string type) => Events.Where(chatEvent => chatEvent.Text("type") == type);

    /// <summary>The contents of the tool messages.</summary>
    public IReadOnlyList<string> ToolMessages =>
        [.. Messages.Where(message => message.Text("role") == "tool").Select(message => message.Text("content")!)];
}
