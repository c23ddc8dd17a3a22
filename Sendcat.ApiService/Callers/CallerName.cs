using System.Text.RegularExpressions;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Events;

namespace Sendcat.ApiService.Callers;

/// <summary>
/// Names of callers for operators: <c>user:#…</c> or <c>session:#…</c> with 16 hexadecimal digits of the hash of the id, or
/// <c>ip:…</c>.
/// </summary>
internal static partial class CallerName
{
    /// <param name="text">A name; an address may lack its <c>ip:</c>, and an IPv6 address stands for its /64.</param>
    /// <returns>Null: it is neither.</returns>
    public static string? Parse(string? text) =>
        text is null ? null : Hashed().IsMatch(text) ? text : ClientAddress.KeyOfText(text);

    /// <summary>The names that a request counts under: its principal, its address and, for IPv6, that of its /48.</summary>
    public static IEnumerable<string> Of(HttpContext http, string principal) =>
        [PrincipalMask.Caller(principal), .. ClientAddress.KeysOf(http).Select(key => key.Name)];

    [GeneratedRegex("^(user|session):#[0-9a-f]{16}$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Hashed();
}
