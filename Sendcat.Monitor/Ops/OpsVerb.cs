using System.CommandLine;
using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.Ops;

/// <summary>What verbs over the operator surface have in common: where it is, who asks, and how it ends when it cannot be asked.</summary>
internal static class OpsVerb
{
    private const string DefaultUrl = "http://127.0.0.1:5080";

    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(100);

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

    /// <param name="work">Its exit code is the verb's.</param>
    /// <returns>Undecided without a key, with a wrong one, or when nobody answers; failed when the service refuses.</returns>
    public static async Task<int> RunAsync(string url, string? key, TextWriter errors, Func<OpsClient, Task<int>> work)
    {
        if (key is null)
        {
            await errors.WriteLineAsync("The operator's key is missing: set OPS_API_KEY (or OPS_VIEWER_KEY to look only), or start Sendcat with ./sendcat up, which writes .sendcat/ops-api-key.");
            return ExitCode.Undecided;
        }

        IsHttp(url, out var address);
        using var handler = new SocketsHttpHandler { ConnectTimeout = ConnectPatience };
        using var http = new HttpClient(handler) { BaseAddress = address, Timeout = AnswerPatience };
        try
        {
            return await work(new(http, key));
        }
        catch (RefusedException refused)
        {
            await errors.WriteLineAsync($"{refused.Message} ({refused.Code})");
            return refused.Status is 401 or 503 ? ExitCode.Undecided : ExitCode.Fail;
        }
        catch (Exception away) when (away is HttpRequestException or OperationCanceledException)
        {
            await errors.WriteLineAsync($"Sendcat does not answer at {address}: start it with ./sendcat up, or name another address with --url.");
            return ExitCode.Undecided;
        }
    }

    private static bool IsHttp(string? text, out Uri? address) =>
        Uri.TryCreate(text?.TrimEnd('/') + '/', UriKind.Absolute, out address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps);
}
