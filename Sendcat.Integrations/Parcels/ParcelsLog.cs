using Microsoft.Extensions.Logging;

namespace Sendcat.Integrations.Parcels;

/// <summary>Event ids 8300–8399. No tracking numbers are logged.</summary>
internal static partial class ParcelsLog
{
    [LoggerMessage(8301, LogLevel.Information, "{Reports} packages reported: {Updated} updated, {Claimed} claimed, {Unclaimed} unclaimed, {Stale} stale")]
    public static partial void PackagesReported(this ILogger logger, int reports, int updated, int claimed, int unclaimed, int stale);
}
