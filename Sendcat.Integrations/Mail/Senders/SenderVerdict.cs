using System.Globalization;
using System.Text;
using MimeKit;

namespace Sendcat.Integrations.Mail.Senders;

/// <summary>Who sent a mail, and how certain that is.</summary>
/// <param name="Trust">How certain it is.</param>
/// <param name="Domain">Domain of the only From address in lower case; null: there is none, or several.</param>
internal sealed record SenderVerdict(SenderTrust Trust, string? Domain)
{
    private const string Results = "Authentication-Results";
    private const int MostSeals = 20;

    /// <summary>The receiver whose results count, unless the caller names another.</summary>
    public const string Gmail = "mx.google.com";

    /// <summary>Forwarders whose seal on a chain of results (ARC) is believed. Anybody can make a chain that verifies.</summary>
    private static readonly string[] TrustedSealers =
        ["google.com", "microsoft.com", "outlook.com", "yahoo.com", "icloud.com", "fastmail.com", "messagingengine.com", "zohomail.com"];

    /// <summary>
    /// Reads the results of the trusted receiver. Each receiver puts its header above those of the message, so only the topmost one counts:
    /// any further one came with the message and may be forged. Results of another server there prove nothing, and show that it is not the
    /// receiver that delivered the mail.
    /// </summary>
    /// <param name="headers">The headers of the mail, top first.</param>
    /// <param name="receiver">The authserv-id of the receiver that delivered the mail.</param>
    public static SenderVerdict Of(HeaderList headers, string receiver)
    {
        var from = Addresses(headers, HeaderId.From);
        if (headers.Count(header => header.Id == HeaderId.From) != 1 || from.Count != 1 || DomainNames.OfAddress(from[0]) is not { } domain)
        {
            return new(SenderTrust.Unproven, null);
        }

        if (TopResults(headers) is { } results)
        {
            var isProven = results.Server.Equals(receiver, StringComparison.OrdinalIgnoreCase) && Proves(results, headers, domain);
            return new(isProven ? SenderTrust.Authenticated : SenderTrust.Unproven, domain);
        }

        var replies = Addresses(headers, HeaderId.ReplyTo).Select(DomainNames.OfAddress).ToArray();
        return new(replies.All(reply => DomainNames.AreAligned(reply, domain)) ? SenderTrust.Claimed : SenderTrust.Unproven, domain);
    }

    private static bool Proves(AuthenticationResults results, HeaderList headers, string domain) =>
        results.Methods.Any(method => Proves(method, domain)) || ProvesByArc(results, headers, domain);

    private static bool Proves(AuthenticationMethod method, string domain) => method.Passed && method.Name switch
    {
        "dkim" => DomainNames.SignsFor(Signer(method), domain),
        "dmarc" => DomainNames.SignsFor(method.Properties.GetValueOrDefault("header.from")?.ToLowerInvariant(), domain),
        _ => false,
    };

    private static string? Signer(AuthenticationMethod method) =>
        method.Properties.GetValueOrDefault("header.d")?.ToLowerInvariant()
        ?? (method.Properties.GetValueOrDefault("header.i") is { } identity ? DomainNames.OfAddress(identity) : null);

    /// <summary>
    /// A forwarder changed the mail, and sealed what it had seen before: the results of the last seal count, if the receiver verified the
    /// chain and the last sealer is trusted. The receiver may have sealed the mail itself, with its own results: that is no forwarder.
    /// </summary>
    private static bool ProvesByArc(AuthenticationResults results, HeaderList headers, string domain)
    {
        if (!results.Methods.Any(method => method is { Name: "arc", Passed: true }))
        {
            return false;
        }

        var seals = Seals(headers);
        var sealedResults = headers
            .Where(header => header.Field.Equals("ARC-Authentication-Results", StringComparison.OrdinalIgnoreCase))
            .Take(MostSeals).Select(AuthenticationResults.Read).ToArray();
        var last = seals.Keys.DefaultIfEmpty().Max();
        var isOfReceiver = Of(last)?.Server.Equals(results.Server, StringComparison.OrdinalIgnoreCase) is true;
        var forwarder = isOfReceiver && seals.ContainsKey(last - 1) ? last - 1 : last;
        return seals.TryGetValue(forwarder, out var sealer)
            && TrustedSealers.Any(trusted => DomainNames.IsWithin(sealer, trusted))
            && Of(forwarder)?.Methods.Any(method => Proves(method, domain)) is true;

        AuthenticationResults? Of(int instance) => sealedResults.FirstOrDefault(sealedBy => sealedBy.Instance == instance);
    }

    /// <summary>The domains of the seals by their instance. Of several seals with one instance the first counts.</summary>
    private static Dictionary<int, string> Seals(HeaderList headers)
    {
        var seals = new Dictionary<int, string>();
        foreach (var header in headers.Where(header => header.Field.Equals("ARC-Seal", StringComparison.OrdinalIgnoreCase)).Take(MostSeals))
        {
            var tags = Encoding.Latin1.GetString(header.RawValue).Split(';')
                .Select(tag => tag.Split('=', 2, StringSplitOptions.TrimEntries)).Where(tag => tag.Length == 2).ToArray();
            if (Tag("d") is { } domain && int.TryParse(Tag("i"), NumberStyles.None, CultureInfo.InvariantCulture, out var instance))
            {
                seals.TryAdd(instance, domain.ToLowerInvariant());
            }

            string? Tag(string name) => tags.FirstOrDefault(tag => tag[0].Equals(name, StringComparison.OrdinalIgnoreCase))?[1];
        }

        return seals;
    }

    /// <summary>The topmost results, whoever wrote them, if they stand above everything that the sender wrote.</summary>
    private static AuthenticationResults? TopResults(HeaderList headers)
    {
        foreach (var header in headers)
        {
            if (header.Field.Equals(Results, StringComparison.OrdinalIgnoreCase))
            {
                return AuthenticationResults.Read(header);
            }

            if (header.Id is HeaderId.From or HeaderId.Subject or HeaderId.Date or HeaderId.To or HeaderId.MessageId
                or HeaderId.DkimSignature or HeaderId.ReplyTo)
            {
                return null;
            }
        }

        return null;
    }

    private static List<string> Addresses(HeaderList headers, HeaderId id)
    {
        var addresses = new List<string>();
        foreach (var header in headers.Where(header => header.Id == id).Take(4))
        {
            if (header.Value.Length <= 4_096 && InternetAddressList.TryParse(header.Value, out var list))
            {
                addresses.AddRange(list.Mailboxes.Take(20).Select(mailbox => mailbox.GetAddress(true)));
            }
        }

        return addresses;
    }
}
