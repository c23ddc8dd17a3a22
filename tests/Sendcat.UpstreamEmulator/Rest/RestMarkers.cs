using Sendcat.UpstreamEmulator.Markers;
using static Sendcat.UpstreamEmulator.Markers.MarkerValues;

namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>The markers that a query to a JSON upstream may contain to control the response.</summary>
internal static class RestMarkers
{
    /// <summary>The upstreams and routes that the marker <c>at=</c> may name.</summary>
    private static readonly HashSet<string> Targets = new(StringComparer.Ordinal)
    {
        "serper", "serper/search", "serper/shopping",
        "serpapi", "serpapi/search.json",
        "ebay", "ebay/token", "ebay/search", "ebay/item", "ebay/tree-id", "ebay/tree", "ebay/suggestions",
        "s3", "s3/put", "s3/get", "s3/head", "s3/delete",
        "resend", "resend/emails",
        "google", "google/token", "google/refresh", "google/revoke", "google/certs",
        "gmail", "gmail/profile", "gmail/list", "gmail/message", "gmail/history", "gmail/watch", "gmail/stop",
        "whatsapp", "whatsapp/media", "whatsapp/download", "whatsapp/messages",
        "sentry", "sentry/envelope",
    };

    public static MarkerLanguage<RestDirections> Language { get; } = new(
    [
        new("status", (d, v) => d.Status = Number(v)),
        new("retry-after", (d, v) => d.RetryAfterSeconds = Number(v)),
        new("retry-after-date", (d, v) => d.RetryAfterDateSeconds = Number(v)),
        new("message", (d, v) => d.Message = v),

        new("headers", (d, v) => d.HeadersMs = Milliseconds(v)),
        new("every", (d, v) => d.EveryMs = Milliseconds(v)),
        new("pieces", (d, v) => d.Pieces = Math.Max(1, Number(v))),

        new("hang", (d, v) => d.Hang = EnumValue<RestHang>(v)),
        new("cut", (d, v) => d.Cut = EnumValue<RestCut>(v)),
        new("body", (d, v) => d.Body = EnumValue<RestBody>(v)),
        new("giant", (d, v) => d.GiantBytes = Bytes(v)),

        new("results", (d, v) => d.Results = Number(v)),
        new("junk", (d, v) => d.Junk = v.Length == 0 ? 3 : Number(v)),
        new("hostile", (d, v) => d.Hostile = v.Length == 0 ? 4 : Number(v)),

        new("expires-in", (d, v) => d.ExpiresInMs = Milliseconds(v)),
        new("uses", (d, v) => d.Uses = Number(v)),
        new("edition", (d, v) => d.Edition = Number(v)),
        new("leaves", (d, v) => d.Leaves = Number(v)),

        new("id-token", (d, v) => d.IdToken = EnumValue<IdTokenFault>(v)),
        new("issuer", (d, v) => d.Issuer = v),
        new("sub", (d, v) => d.Subject = v),
        new("hd", (d, v) => d.HostedDomain = v),
        new("unverified", (d, v) => d.Unverified = Flag(v)),

        new("no-refresh", (d, v) => d.NoRefresh = Flag(v)),
        new("history-gone", (d, v) => d.HistoryGoneAfter = v.Length == 0 ? 0 : Number(v)),
        new("repeat-page", (d, v) => d.RepeatPage = Flag(v)),
        new("shuffle", (d, v) => d.Shuffle = Flag(v)),
        new("duplicates", (d, v) => d.Duplicates = v.Length == 0 ? 1 : Number(v)),
    ],
    new Dictionary<string, Action<string>>(StringComparer.Ordinal)
    {
        ["at"] = target =>
        {
            if (!Targets.Contains(target))
            {
                throw new FormatException($"at={target} is none of {string.Join(", ", Targets)}");
            }
        },
    });

    /// <summary>Whether the condition of a block matches this upstream or this route of it.</summary>
    public static bool AppliesTo(this MarkerBlock<RestDirections> block, string upstream, string route) =>
        !block.Conditions.TryGetValue("at", out var target)
        || target == upstream
        || (target.Length == upstream.Length + 1 + route.Length
            && target.StartsWith(upstream, StringComparison.Ordinal)
            && target.EndsWith(route, StringComparison.Ordinal));
}
