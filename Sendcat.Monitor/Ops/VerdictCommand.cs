using System.CommandLine;
using System.Text.Json;
using Sendcat.Monitor.Chat;
using Spectre.Console;

namespace Sendcat.Monitor.Ops;

/// <summary>
/// <c>verdict</c>: one line about the turns of the last minute, from the health check of the API. Exit code 0: they succeed, 1: too many
/// do not, 2: unknown. <c>./sendcat status</c> ends with it.
/// </summary>
internal static class VerdictCommand
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <param name="console">Null: the terminal.</param>
    /// <param name="errors">Null: standard error.</param>
    /// <param name="key">Null: the key from <see cref="OpsKeyFile.Find"/>; without one the numbers are missing.</param>
    public static Command Create(IAnsiConsole? console = null, TextWriter? errors = null, string? key = null)
    {
        var url = OpsVerb.Url();
        var command = new Command("verdict", "Whether the turns of the last minute succeed, and what is in their way.") { url };
        command.SetAction((parsed, stop) => RunAsync(
            new(parsed.GetValue(url)!.TrimEnd('/') + '/'), key ?? OpsKeyFile.Find(), new(console ?? AnsiConsole.Console, json: false),
            errors ?? Console.Error, stop));
        return command;
    }

    private static async Task<int> RunAsync(Uri address, string? key, OpsPrinter printer, TextWriter errors,
        CancellationToken cancellationToken)
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
            printer.Line($"{"verdict",-10} {verdict}{(health.Text("cause") is { } cause ? $" ({cause})" : "")}{(text is null ? "" : $": {text}")}");
            return verdict == "ok" ? ExitCode.Pass : ExitCode.Fail;
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            await errors.WriteLineAsync($"The health check of {address} gives no verdict.");
            return ExitCode.Undecided;
        }
    }
}
