using System.Net.Mail;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity.SignIns;

internal static class EmailAddress
{
    /// <summary>Characters.</summary>
    public const int Longest = 254;

    /// <summary>True for one bare address without a display name, white space or control characters.</summary>
    public static bool IsPlausible(string? text) =>
        StoredText.HasText(text, Longest)
        && !text!.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
        && MailAddress.TryCreate(text, out var address)
        && string.Equals(address.Address, text, StringComparison.Ordinal);
}
