using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity.Google;

/// <param name="Code">The one-time code of the page's address, <c>googleCode</c>.</param>
/// <param name="Verifier">The verifier of the <c>challenge</c> that the sign-in was started with.</param>
/// <param name="SessionId">The anonymous session whose threads are claimed.</param>
internal sealed record GoogleExchange(string? Code, string? Verifier, string? SessionId) : IValidatable
{
    public IEnumerable<string> Problems() => GoogleCode.Problems("code", Code, "verifier", Verifier);
}

/// <summary>The rules for one-time codes and verifiers.</summary>
internal static class GoogleCode
{
    private const int LongestCode = 128;

    /// <summary>Characters of the longest verifier (RFC 7636).</summary>
    private const int LongestVerifier = 128;

    public static IEnumerable<string> Problems(string codeField, string? code, string verifierField, string? verifier)
    {
        if (code is not { Length: >= 1 and <= LongestCode })
        {
            yield return $"{codeField} is missing or too long";
        }

        if (verifier is { Length: > LongestVerifier })
        {
            yield return $"{verifierField} is too long";
        }
    }
}
