using System.Text;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.UnitTests.Mail;

/// <summary>The keys of shipments and orders in the links of a merchant's mail.</summary>
public sealed class ShipmentLinkTests
{
    private const string Shiptrack = "https://www.amazon.com/gp/css/shiptrack/view.html";

    [Theory]
    [InlineData("https://www.amazon.com/progress-tracker/package?itemId=a&packageIndex=0&shipmentId=Bcd12fGh3", "amazon:Bcd12fGh3")]
    [InlineData($"{Shiptrack}/ref=pe_1?ie=UTF8&orderingShipmentId=3456789012345&packageId=1", "amazon:3456789012345")]
    [InlineData(
        "https://www.amazon.com/gp/r.html?C=1&U=https%3A%2F%2Fwww.amazon.com%2Fprogress-tracker%2Fpackage%3FshipmentId%3DT7xq9KpZ1&H=2",
        "amazon:T7xq9KpZ1")]
    [InlineData("https://www.amazon.co.uk/progress-tracker/package?SHIPMENTID=Bcd12fGh3", "amazon:Bcd12fGh3")]
    [InlineData("https://www.amazon.com.evil.example/progress-tracker/package?shipmentId=Bcd12fGh3", null)]
    [InlineData("https://www.amazon.com/progress-tracker/package?shipmentId=", null)]
    [InlineData("https://www.amazon.com/progress-tracker/package?shipmentId=%27%3B+DROP", null)]
    [InlineData("https://www.amazon.com/progress-tracker/package?shipmentId=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", null)]
    public void A_mail_without_numbers_is_about_the_shipment_of_its_link(string link, string? key)
    {
        var order = Orders($"<p>Your package was delivered.</p><a href='{link}'>Track package</a>").SingleOrDefault();

        Assert.Equal(
            (key, null, 0), (order?.Shipments.SingleOrDefault(), order?.OrderNumber?.Value, order?.Parcels.Count ?? 0));
    }

    [Fact]
    public void A_shipment_belongs_to_the_order_that_its_link_names()
    {
        var orders = Orders($"""
            <p>Order 111-1111111-1111111: a kettle</p><a href='{Shiptrack}?orderID=111-1111111-1111111&shipmentId=Aaaa1'>Track</a>
            <p>Order 222-2222222-2222222: a lamp</p><a href='{Shiptrack}?orderID=222-2222222-2222222&shipmentId=Bbbb2'>Track</a>
            <a href='{Shiptrack}?orderID=333-3333333-3333333&shipmentId=Cccc3'>An earlier order</a>
            <a href='{Shiptrack}?shipmentId=Dddd4'>Track</a>
            """);

        Assert.Equal(
            ["111-1111111-1111111 amazon:Aaaa1", "222-2222222-2222222 amazon:Bbbb2"],
            orders.Select(order => $"{order.OrderNumber!.Value} {string.Join(' ', order.Shipments)}"));
    }

    [Fact]
    public void The_order_of_a_link_is_that_of_a_mail_whose_text_names_none()
    {
        var order = Assert.Single(Orders($"<p>Shipped!</p><a href='{Shiptrack}?orderID=111-1111111-1111111&shipmentId=Aaaa1'>Track</a>"));

        Assert.Equal(("111-1111111-1111111", "amazon:Aaaa1"), (order.OrderNumber!.Value, Assert.Single(order.Shipments)));
    }

    private static IReadOnlyList<ExtractedOrder> Orders(string html)
    {
        var mail = MailReader.Read(
            Encoding.UTF8.GetBytes($"From: shipment-tracking@amazon.com\nSubject: Delivered\nContent-Type: text/html\n\n{html}"));
        return MerchantParser.Parse(Merchant.Amazon, mail, TrackingNumbers.Find(mail.Text), "us");
    }
}
