using System.CommandLine;

namespace Sendcat.Monitor.Chat;

/// <summary>The option <c>--url</c> of the verbs: the address of the API.</summary>
internal static class ApiUrl
{
    private const string Default = "http://127.0.0.1:5080";

    /// <summary>Its default is the first address in <c>SENDCAT_API_URL</c>, else that of a local run.</summary>
    public static Option<string> Option()
    {
        var option = new Option<string>("--url")
        {
            Description = "The API's address.",
            DefaultValueFactory = _ =>
                Environment.GetEnvironmentVariable("SENDCAT_API_URL") is { Length: > 0 } set ? set.Split(';', ',')[0] : Default,
        };
        option.Validators.Add(result =>
        {
            if (Address(result.GetValueOrDefault<string>()) is null)
            {
                result.AddError($"--url takes an address like {Default}");
            }
        });
        return option;
    }

    /// <returns>The address, with a slash at its end; null: the text is no address of HTTP.</returns>
    public static Uri? Address(string? text) =>
        Uri.TryCreate(text?.TrimEnd('/') + '/', UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address : null;
}
