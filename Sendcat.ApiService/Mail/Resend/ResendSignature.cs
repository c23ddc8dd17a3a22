using System.Text;
using StandardWebhooks;
using StandardWebhooks.Diagnostics;

namespace Sendcat.ApiService.Mail.Resend;

/// <summary>
/// The signature of a delivery, after Standard Webhooks: HMAC-SHA256 of id, time and body, at most five minutes old. Resend names the
/// headers as Svix does.
/// </summary>
internal static class ResendSignature
{
    private const string SvixId = "svix-id";
    private const string StandardId = "webhook-id";

    /// <param name="headers">Those of the request.</param>
    /// <param name="body">The bytes as they were sent.</param>
    /// <param name="secret">With an empty or unreadable one nothing is authentic.</param>
    public static bool IsValid(IHeaderDictionary headers, ReadOnlySpan<byte> body, string secret)
    {
        if (secret.Length == 0)
        {
            return false;
        }

        try
        {
            var names = headers.ContainsKey(SvixId) ? WebhookConfigurationOptions.Svix : WebhookConfigurationOptions.StandardWebhooks;
            new StandardWebhook(secret, names).Verify(Encoding.UTF8.GetString(body), headers);
            return true;
        }
        catch (Exception refused)
            when (refused is WebhookVerificationException or FormatException or ArgumentException or OverflowException
                or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>The id of the delivery, which a repetition repeats.</summary>
    public static string IdOf(IHeaderDictionary headers) => headers[headers.ContainsKey(SvixId) ? SvixId : StandardId].ToString();
}
