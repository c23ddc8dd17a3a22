namespace Sendcat.Reliability.Admission;

/// <summary>How many of the slots one client address may hold, and how many all guests together. Null: no limit.</summary>
internal readonly record struct InFlightShares(int? OfAddress, int? OfGuests)
{
    /// <summary>A household behind one address chats, however few slots there are.</summary>
    private const int LeastOfAddress = 4;

    /// <param name="routeSlots">Of the route that the turn will use.</param>
    public static InFlightShares Of(AdmissionOptions options, int routeSlots)
    {
        var slots = Math.Min(options.GlobalMaxInFlight, routeSlots);
        return new(Part(slots, options.AddressMaxInFlightPct, LeastOfAddress), Part(slots, options.GuestMaxInFlightPct, least: 1));
    }

    private static int? Part(int slots, int percent, int least) => percent >= 100 ? null : Math.Max(least, (int)((long)slots * percent / 100));
}
