namespace Sendcat.Reliability.Admission;

/// <summary>Most slots for one client address, and for all guests together. Null: no limit.</summary>
internal readonly record struct InFlightShares(int? OfAddress, int? OfGuests)
{
    /// <summary>Least share of an address, so that a household behind one address can chat even when there are few slots.</summary>
    private const int LeastOfAddress = 4;

    /// <summary>The shares of the slots of the route or of the global limit, whichever is smaller.</summary>
    /// <param name="options">The limits.</param>
    /// <param name="routeSlots">Slots of the provider route that the turn will use.</param>
    public static InFlightShares Of(AdmissionOptions options, int routeSlots)
    {
        var slots = Math.Min(options.GlobalMaxInFlight, routeSlots);
        return new(Part(slots, options.AddressMaxInFlightPct, LeastOfAddress), Part(slots, options.GuestMaxInFlightPct, least: 1));
    }

    private static int? Part(int slots, int percent, int least) =>
        percent >= 100 ? null : Math.Max(least, (int)((long)slots * percent / 100));
}
