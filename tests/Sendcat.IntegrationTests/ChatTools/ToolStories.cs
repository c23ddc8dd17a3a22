using System.Text.Json;
using Npgsql;
using Sendcat.IntegrationTests.Chat;

namespace Sendcat.IntegrationTests.ChatTools;

/// <summary>Prompts and questions that recur in the tests of tools.</summary>
internal static class ToolStories
{
    /// <param name="query">May hold markers for the upstream.</param>
    public static string Asks(string tool, string query, string id = "call_1") => $$"""[[emu call=1 tool={{tool}} id={{id}} args={{Arguments(query)}}]] [[emu call=2 text="Done."]]""";

    public static string Arguments(string query) => JsonSerializer.Serialize(new { query });

    public static string? Text(this JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The last tool message that the thread holds.</summary>
    public static async Task<string> ToolAnswerAsync(this SendcatClient guest, string thread) => (await guest.MessagesAsync(thread)).Last(message => message.Text("role") == "tool").Text("content")!;

    /// <summary>A turn of a guest of its own, read to its end.</summary>
    public static async Task<ToolTurn> TurnAsync(this SendcatSystem sendcat, string prompt, bool webSearch = true, int replica = 0)
    {
        using var guest = (await sendcat.GuestAsync()).At(sendcat.Replicas[replica]);
        var thread = await guest.AskingAsync(prompt);
        await using var stream = await guest.ChatAsync(thread, webSearch: webSearch);
        await stream.ToEndAsync();
        return new(stream.Seen, await guest.MessagesAsync(thread));
    }

    public static async Task<T?> AskDatabaseAsync<T>(this SendcatSystem sendcat, string sql)
    {
        await using var connection = new NpgsqlConnection(sendcat.Database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }
}

internal sealed record ToolTurn(IReadOnlyList<JsonElement> Events, IReadOnlyList<JsonElement> Messages)
{
    public IReadOnlyList<string> Types => [.. Events.Select(happened => happened.Text("type")!)];

    public IEnumerable<JsonElement> Of(string type) => Events.Where(happened => happened.Text("type") == type);

    public IReadOnlyList<string> ToolAnswers => [.. Messages.Where(message => message.Text("role") == "tool").Select(message => message.Text("content")!)];
}
