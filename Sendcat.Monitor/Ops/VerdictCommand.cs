using System.CommandLine;
using System.Text.Json;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary>
/// <c>verdict</c>: one line about the turns of the last minute, from the health check of the API. Exit code 0: they succeed, 1: too many
/// do not, 2: unknown. <c>./sendcat status</c> ends with it.
/// </summary>
internal static class VerdictCommand
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    public static Command Create(OpsVerb verb)
    {
        var command = new Command("verdict", "Whether the turns of the last minute succeed, and what is in their way.") { verb.UrlOption };
        command.SetAction((parsed, stop) => RunAsync(
            ApiUrl.Address(parsed.GetValue(verb.UrlOption)), verb.Key, new(verb.Terminal, json: false), verb.Errors, stop));
        return command;
    }

    /// <param name="key">Null: the verdict has no numbers.</param>
    private static async Task<int> RunAsync(
        Uri? address, string? key, OpsPrinter printer, TextWriter errors, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = address, Timeout = Timeout };
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Wire.ChatHealth);
            if (key is not null)
            {
                request.Headers.Authorization = new("Bearer", key);
            }

            using var response = await http.SendAsync(request, cancellationToken);
            var health = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            if (health.Text("verdict") is not { } verdict)
            {
                await errors.WriteLineAsync("The API reports no verdict.");
                return ExitCode.Undecided;
            }

            var text = health.Field("lastMinute")?.Text("text");
            var cause = health.Text("cause") is { } known ? $" ({known})" : "";
            printer.Line($"{"verdict",-10} {verdict}{cause}{(text is null ? "" : $": {text}")}");
            return verdict == "ok" ? ExitCode.Pass : ExitCode.Fail;
        }
        catch (Exception exception) when (
            exception is HttpRequestException or JsonException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            await errors.WriteLineAsync($"The health check of {address} gives no verdict.");
            return ExitCode.Undecided;
        }
    }
}
