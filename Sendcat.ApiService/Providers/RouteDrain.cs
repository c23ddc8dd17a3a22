using System.IO.Hashing;
using Microsoft.Extensions.Options;

namespace Sendcat.ApiService.Providers;

/// <summary>Which turns leave a drained route: a share of them, chosen by their ids, so that every check of a turn has the same
/// result.</summary>
internal sealed class RouteDrain(IOptionsMonitor<ProviderRouteOptions> options)
{
    /// <summary>Whether the turn does not start on the route while it can start on the other one.</summary>
    public bool Avoids(string routeId, Guid streamId) =>
        Share(streamId) < (routeId == ProviderRoute.Primary ? options.CurrentValue.PrimaryDrainPercent
            : options.CurrentValue.SecondaryDrainPercent);

    /// <summary>0 to 99. Of all turns, each number has the same share.</summary>
    internal static int Share(Guid streamId)
    {
        Span<byte> id = stackalloc byte[16];
        streamId.TryWriteBytes(id, bigEndian: true, out _);
        return (int)(XxHash3.HashToUInt64(id) % 100);
    }
}
