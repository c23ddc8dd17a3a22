using System.CommandLine;
using System.Text;
using Sendcat.Monitor.Chat;
using Spectre.Console;

namespace Sendcat.Monitor.Ops;

/// <summary>Common parts of the verbs that call the operator API: its address, the key, and the exit code when the call fails.</summary>
/// <param name="console">Null: the terminal.</param>
/// <param name="errors">Null: standard error.</param>
/// <param name="key">Null: the key from <see cref="OpsKeyFile.Find"/>.</param>
internal sealed class OpsVerb(IAnsiConsole? console, TextWriter? errors, string? key)
{
    private const string DefaultUrl = "http://127.0.0.1:5080";

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(100);

    public Option<string> UrlOption { get; } = Recursive(Url());

    public Option<bool> JsonOption { get; } = new("--json")
    {
        Description = "Prints the response of the service as JSON.", Recursive = true,
    };

    /// <summary>Sends requests of a command to the service and prints its responses.</summary>
    /// <inheritdoc cref="RunAsync(string, string?, TextWriter, Func{OpsClient, Task{int}})"/>
    public Task<int> RunAsync(ParseResult parsed, Func<OpsClient, OpsPrinter, Task<int>> work) => RunAsync(
        parsed.GetValue(UrlOption)!, key ?? OpsKeyFile.Find(), errors ?? Console.Error,
        service => work(service, new OpsPrinter(console ?? AnsiConsole.Console, parsed.GetValue(JsonOption))));

    /// <summary>Why a change is made, for the audit.</summary>
    public static Option<string?> Reason(bool required = true) =>
        new("--reason") { Description = "Why; the audit shows it (3 to 500 characters).", Required = required };

    public static Option<string> Url()
    {
        var url = new Option<string>("--url")
        {
            Description = "The API's address.",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("SENDCAT_API_URL") is { Length: > 0 } set ? set.Split(';', ',')[0] : DefaultUrl,
        };
        url.Validators.Add(result =>
        {
            if (!IsHttp(result.GetValueOrDefault<string>(), out _))
            {
                result.AddError($"--url takes an address like {DefaultUrl}");
            }
        });
        return url;
    }

    /// <param name="url">The address of the API.</param>
    /// <param name="key">The operator or viewer key; null when none was found.</param>
    /// <param name="errors">Receives the message when the call fails.</param>
    /// <param name="work">Its exit code becomes that of the verb.</param>
    /// <returns>
    /// <see cref="ExitCode.Undecided"/> without a key, for status 401 or 503, or when the service does not respond;
    /// <see cref="ExitCode.Fail"/> when the service refuses otherwise.
    /// </returns>
    public static async Task<int> RunAsync(string url, string? key, TextWriter errors, Func<OpsClient, Task<int>> work)
    {
        if (key is null)
        {
            await errors.WriteLineAsync("The operator's key is missing: set OPS_API_KEY (or OPS_VIEWER_KEY to look only), or start Sendcat with ./sendcat up, which writes .sendcat/ops-api-key.");
            return ExitCode.Undecided;
        }

        IsHttp(url, out var address);
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
            await errors.WriteLineAsync($"Sendcat does not answer at {address}: start it with ./sendcat up, or name another address with --url.");
            return ExitCode.Undecided;
        }
    }

    private static Option<string> Recursive(Option<string> option)
    {
        option.Recursive = true;
        return option;
    }

    private static bool IsHttp(string? text, out Uri? address) =>
        Uri.TryCreate(text?.TrimEnd('/') + '/', UriKind.Absolute, out address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps);
}
