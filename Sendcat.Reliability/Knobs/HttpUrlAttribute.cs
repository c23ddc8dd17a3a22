using System.ComponentModel.DataAnnotations;

namespace Sendcat.Reliability.Knobs;

/// <summary>
/// The allowed values of a knob that is an address: an absolute http or https URL of printable ASCII characters, because an address is
/// sent in headers too. Empty means not set, as for every knob.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class HttpUrlAttribute : ValidationAttribute
{
    /// <summary>The allowed values as readable text.</summary>
    public const string Range = "http or https URL";

    /// <returns>True for such a URL, and for an empty text: it counts as not set.</returns>
    public override bool IsValid(object? value) =>
        value is "" or null
        || (value is string url && !url.AsSpan().ContainsAnyExceptInRange('!', '~') && Uri.TryCreate(url, UriKind.Absolute, out var address)
            && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp) && address.Host.Length > 0);
}
