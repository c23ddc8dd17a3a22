using System.Globalization;
using System.Text.Json;
using Sendcat.Monitor.Chat;
using Spectre.Console;

namespace Sendcat.Monitor.Ops;

/// <summary>Prints responses of the operator API: as tables and lines, or with <c>--json</c> as the service sent them.</summary>
internal sealed class OpsPrinter(IAnsiConsole console, bool json)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Prints the response when <c>--json</c> is given.</summary>
    /// <returns>Whether it did.</returns>
    public bool Raw(JsonElement response)
    {
        if (json)
        {
            Line(JsonSerializer.Serialize(response, Indented));
        }

        return json;
    }

    /// <summary>
    /// Writes text without wrapping, for programs that read lines. Control characters become spaces, because text of an upstream or a user
    /// must not send escape sequences to the terminal.
    /// </summary>
    public void Line(string text) =>
        console.Profile.Out.Writer.WriteLine(
            string.Concat(text.Select(character => char.IsControl(character) && character is not '\n' ? ' ' : character)));

    public void Table(Table table) => console.Write(table);

    /// <summary>Writes rows in columns as wide as their longest cell.</summary>
    public void Columns(IReadOnlyList<string[]> rows)
    {
        var widths = rows.SelectMany(row => row.Select((cell, column) => (column, cell.Length)))
            .GroupBy(cell => cell.column).ToDictionary(column => column.Key, column => column.Max(cell => cell.Length));
        foreach (var row in rows)
        {
            Line(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }

    public static JsonElement[] Items(JsonElement response) => ItemsOf(response, "items");

    public static JsonElement[] ItemsOf(JsonElement json, string name) =>
        json.Field(name) is { ValueKind: JsonValueKind.Array } items ? [.. items.EnumerateArray()] : [];

    public static string Integer(JsonElement json, string name) => json.Number(name)?.ToString("0", CultureInfo.InvariantCulture) ?? "";

    /// <summary>The field <c>usd</c>, to six decimals; zero without it.</summary>
    public static string Dollars(JsonElement json) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(json.Field("usd") is { ValueKind: JsonValueKind.Number } usd ? usd.GetDecimal() : 0):0.000000} USD");

    public static string Time(JsonElement json, string name) =>
        DateTimeOffset.TryParse(json.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : "";
}
