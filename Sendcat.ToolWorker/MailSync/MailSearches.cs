using System.Globalization;
using Sendcat.Integrations.Mail.Merchants;

namespace Sendcat.ToolWorker.MailSync;

/// <summary>What a full sync searches for.</summary>
internal static class MailSearches
{
    /// <summary>Pages of the search for all mails, unless the sync closes a gap.</summary>
    public const int RecentPages = 5;

    /// <summary>The searches in their order: all mails; the mails of each known merchant; mails whose subject is about orders.</summary>
    /// <param name="since">The first day.</param>
    /// <param name="onlyAll">True: the first search lists everything, so the others would find nothing more.</param>
    public static IReadOnlyList<string> Of(DateTimeOffset since, bool onlyAll)
    {
        var after = string.Create(CultureInfo.InvariantCulture, $"after:{since.Year}/{since.Month}/{since.Day}");
        return onlyAll
            ? [after]
            :
            [
                after,
                .. from merchant in Merchant.All
                   let senders = string.Join(' ', merchant.Domains.Select(domain => $"from:{domain}"))
                   select $"{after} {{{senders} subject:{merchant.Name}}}",
                $"{after} subject:(order OR shipped OR delivered OR tracking OR confirmation OR dispatch)",
            ];
    }
}
