using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sendcat.Monitor.Chat;
using Spectre.Console;

namespace Sendcat.Monitor.Ops;

/// <summary>
/// What the verbs that call the operator API share: the options for its address and for JSON, the key, the printed response, and the
/// message and exit code when the call fails.
/// </summary>
/// <param name="console">Null: the terminal.</param>
/// <param name="errors">Null: standard error.</param>
/// <param name="key">Null: the key from <see cref="OpsKeyFile.Find"/>.</param>
internal sealed class OpsVerb(IAnsiConsole? console = null, TextWriter? errors = null, string? key = null)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(100);

    public Option<string> UrlOption { get; } = Recursive(ApiUrl.Option());

    public Option<bool> JsonOption { get; } = new("--json")
    {
        Description = "Prints the response of the service as JSON.", Recursive = true,
    };

    public IAnsiConsole Terminal => console ?? AnsiConsole.Console;

    public TextWriter Errors => errors ?? Console.Error;

    /// <summary>Null when none was found.</summary>
    public string? Key => key ?? OpsKeyFile.Find();

    /// <summary>Why a change is made, for the audit.</summary>
    public static Option<string?> Reason(bool required = true) =>
        new("--reason") { Description = "Why; the audit shows it (3 to 500 characters).", Required = required };

    /// <summary><c>--for</c>: how long a change lasts.</summary>
    public static Option<string?> Term()
    {
        var term = new Option<string?>("--for")
        {
            Description = "Ends the change by itself after this time, for instance 90s, 15m, 4h or 1d; then the value of before applies.",
        };
        term.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && Seconds(text) is null)
            {
                result.AddError("--for takes a time such as 90s, 15m, 4h or 1d");
            }
        });
        return term;
    }

    /// <summary>The seconds of a time such as <c>15m</c>; null: it is no time. The service checks its range.</summary>
    public static int? Seconds(string? text) =>
        text is { Length: > 1 }
            && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && (text[^1] switch { 's' => 1L, 'm' => 60L, 'h' => 3_600L, 'd' => 86_400L, _ => 0L }) is > 0 and var unit
            ? (int)Math.Min(count * unit, int.MaxValue) : null;

    /// <summary>Lets a command send one request. With <c>--json</c> it prints the response as the service sent it.</summary>
    /// <param name="print">Prints the response otherwise.</param>
    /// <param name="passes">Whether the exit code is <see cref="ExitCode.Pass"/>; null: always.</param>
    public void SetRequest(
        Command command, Func<ParseResult, OpsClient, CancellationToken, Task<JsonElement>> request, Action<OpsPrinter, JsonElement> print,
        Predicate<JsonElement>? passes = null) =>
        SetAction(command, async (parsed, service, printer, stop) =>
        {
            var response = await request(parsed, service, stop);
            if (!printer.Raw(response))
            {
                print(printer, response);
            }

            return passes?.Invoke(response) == false ? ExitCode.Fail : ExitCode.Pass;
        });

    /// <summary>Lets a command send requests and print their responses.</summary>
    /// <param name="work">Its exit code becomes that of the verb.</param>
    public void SetAction(Command command, Func<ParseResult, OpsClient, OpsPrinter, CancellationToken, Task<int>> work) =>
        command.SetAction((parsed, stop) => RunAsync(
            parsed.GetValue(UrlOption), Key, Errors,
            service => work(parsed, service, new(Terminal, parsed.GetValue(JsonOption)), stop)));

    /// <param name="url">The address of the API.</param>
    /// <param name="key">The operator or viewer key; null when none was found.</param>
    /// <param name="errors">Receives the message when the call fails.</param>
    /// <param name="work">Its exit code becomes that of the verb.</param>
    /// <returns>
    /// <see cref="ExitCode.Undecided"/> without a key, for status 401 or 503, or when the service does not respond;
    /// <see cref="ExitCode.Fail"/> when the service refuses otherwise.
    /// </returns>
    internal static async Task<int> RunAsync(string? url, string? key, TextWriter errors, Func<OpsClient, Task<int>> work)
    {
        if (key is null)
        {
            await errors.WriteLineAsync(
                "The operator's key is missing: set OPS_API_KEY (or OPS_VIEWER_KEY to look only), or start Sendcat with ./sendcat up, "
                + "which writes .sendcat/ops-api-key.");
            return ExitCode.Undecided;
        }

        var address = ApiUrl.Address(url);
        using var handler = new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout, RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        };
        using var http = new HttpClient(handler) { BaseAddress = address, Timeout = ResponseTimeout };
        try
        {
            return await work(new(http, key));
        }
        catch (RefusedException refused)
        {
            await errors.WriteLineAsync($"{refused.Message} ({refused.Code})");
            return refused.Status is 401 or 503 ? ExitCode.Undecided : ExitCode.Fail;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            await errors.WriteLineAsync(
                $"Sendcat does not answer at {address}: start it with ./sendcat up, or name another address with --url.");
            return ExitCode.Undecided;
        }
    }

    private static Option<string> Recursive(Option<string> option)
    {
        option.Recursive = true;
        return option;
    }
}
