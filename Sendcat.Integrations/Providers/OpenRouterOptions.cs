using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Providers;

/// <summary>Address and account of OpenRouter, for chats and for the extraction from mails.</summary>
public sealed class OpenRouterOptions
{
    /// <summary>Key of the provider; without one no turn is started.</summary>
    [Knob("OPENROUTER_API_KEY", Path = "ProviderRoute:ApiKey", Secret = true)]
    public string ApiKey { get; set; } = "";

    /// <summary>Address of the provider's API.</summary>
    [Knob("OPENROUTER_BASE_URL", Path = "ProviderRoute:BaseUrl", StartUpOnly = true), HttpUrl]
    public string BaseUrl { get; set; } = "https://openrouter.ai/api/v1";

    /// <summary>
    /// <c>auto</c>: HTTP/2 where TLS negotiates it, else 1.1. <c>2</c> on an <c>http://</c> address means prior knowledge (h2c).
    /// </summary>
    [Knob("OPENROUTER_HTTP_VERSION", Path = "ProviderRoute:HttpVersion"), RegularExpression(@"^(auto|1\.1|2)$")]
    public string HttpVersion { get; set; } = "auto";

    /// <summary>Sets the HTTP version of a request as <see cref="HttpVersion"/> says.</summary>
    public void ApplyVersion(HttpRequestMessage request) =>
        (request.Version, request.VersionPolicy) = HttpVersion switch
        {
            "2" => (System.Net.HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact),
            "1.1" => (System.Net.HttpVersion.Version11, HttpVersionPolicy.RequestVersionExact),
            _ => (System.Net.HttpVersion.Version20, HttpVersionPolicy.RequestVersionOrLower),
        };
}
