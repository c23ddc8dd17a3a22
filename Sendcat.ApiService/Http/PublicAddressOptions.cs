using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Http;

internal sealed class PublicAddressOptions
{
    /// <summary>
    /// The base URL of this API as browsers reach it, to which other services redirect them. Empty: in Development the address of the
    /// request, elsewhere none.
    /// </summary>
    [Knob("API_PUBLIC_URL", StartUpOnly = true), HttpUrl]
    public string Url { get; set; } = "";
}
