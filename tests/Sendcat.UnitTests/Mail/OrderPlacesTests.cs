using Sendcat.Integrations.Mail.Merchants;

namespace Sendcat.UnitTests.Mail;

/// <summary>To which order a place of a mail belongs.</summary>
public sealed class OrderPlacesTests
{
    [Theory]
    [InlineData(0, "a")]
    [InlineData(10, "a")]
    [InlineData(19, "a")]
    [InlineData(20, "b")]
    [InlineData(35, "a")]
    public void A_place_belongs_to_the_last_order_before_it_and_at_the_beginning_to_the_first(int place, string owner) =>
        Assert.Equal(owner, new OrderPlaces([("a", 10), ("b", 20), ("a", 30)]).OwnerOf(place));

    [Fact]
    public void A_mail_whose_links_alone_name_orders_belongs_to_the_first()
    {
        Assert.Equal("a", new OrderPlaces([("a", -1), ("b", -1)]).OwnerOf(5));
        Assert.Null(new OrderPlaces([]).OwnerOf(5));
    }
}
