using Sendcat.Reliability.Admission;

namespace Sendcat.UnitTests.Reliability;

public sealed class InFlightSharesTests
{
    [Theory]
    [InlineData(300, 24, 15, 80, 4, 19)]
    [InlineData(300, 1_000, 15, 80, 45, 240)]
    [InlineData(6_000, 6_000, 15, 80, 900, 4_800)]
    [InlineData(300, 2, 15, 80, 4, 1)]
    [InlineData(300, 24, 99, 1, 23, 1)]
    [InlineData(100_000, int.MaxValue, 99, 99, 99_000, 99_000)]
    public void Shares_are_percentages_of_the_smaller_cap_and_an_address_gets_at_least_four(
        int global, int route, int addressPct, int guestPct, int ofAddress, int ofGuests)
    {
        var shares = InFlightShares.Of(
            new() { GlobalMaxInFlight = global, AddressMaxInFlightPct = addressPct, GuestMaxInFlightPct = guestPct }, route);

        Assert.Equal(new InFlightShares(ofAddress, ofGuests), shares);
    }

    [Fact]
    public void A_share_of_100_percent_sets_no_limit() =>
        Assert.Equal(
            new InFlightShares(null, null),
            InFlightShares.Of(new() { AddressMaxInFlightPct = 100, GuestMaxInFlightPct = 100 }, routeSlots: 24));
}
