using System.Globalization;
using System.Text.Json;
using Sendcat.Integrations.Tools;

namespace Sendcat.UnitTests.ToolJobs;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("$1,299.00", null, "$1,299.00", "1299.00", "USD")]
    [InlineData("US $9.5", null, "US $9.5", "9.5", "USD")]
    [InlineData("USD 9", null, "USD 9", "9", "USD")]
    [InlineData("from $49.00 now", null, "from $49.00 now", "49.00", "USD")]
    [InlineData("$10.00 to $20.00", null, "$10.00 to $20.00", "10.00", "USD")]
    [InlineData("$12.00", "ca", "CAD 12.00", "12.00", "CAD")]
    [InlineData("$1,500", "jm", "JMD 1,500", "1500", "JMD")]
    [InlineData("$12.00", "us", "$12.00", "12.00", "USD")]
    [InlineData("J$1,500.00", null, "J$1,500.00", "1500.00", "JMD")]
    [InlineData("CA$ 12", null, "CA$ 12", "12", "CAD")]
    [InlineData("£8.00", null, "£8.00", "8.00", "GBP")]
    [InlineData("59,99 €", null, "59,99 €", "59.99", "EUR")]
    [InlineData("1.299,00 €", null, "1.299,00 €", "1299.00", "EUR")]
    [InlineData("GBP 8.00", "us", "GBP 8.00", "8.00", "GBP")]
    [InlineData("¥500", null, "¥500", null, null)]
    [InlineData("$12", "xx", "$12", null, null)]
    [InlineData("12.00", null, "12.00", null, null)]
    [InlineData("Sold out", null, "Sold out", null, null)]
    [InlineData("", null, "", null, null)]
    public void A_text_has_the_currency_that_it_names(string text, string? country, string shown, string? amount, string? currency) =>
        Assert.Equal(
            new Money(shown, amount is null ? null : decimal.Parse(amount, CultureInfo.InvariantCulture), currency),
            Money.OfText(text, country));

    [Theory]
    [InlineData("""{"value":"8.00","currency":"GBP"}""", "GBP 8.00", "8.00", "GBP")]
    [InlineData("""{"value":8.5,"currency":"USD"}""", "USD 8.5", "8.5", "USD")]
    [InlineData("""{"value":"8.00"}""", "8.00", "8.00", null)]
    [InlineData("""{"value":"8.00","currency":"$"}""", "8.00", "8.00", null)]
    [InlineData("""{"value":"a lot","currency":"USD"}""", "USD a lot", null, "USD")]
    [InlineData("""{"currency":"USD"}""", "", null, null)]
    public void An_amount_of_eBay_never_gets_a_currency_that_it_does_not_have(string json, string text, string? amount, string? currency) =>
        Assert.Equal(
            new Money(text, amount is null ? null : decimal.Parse(amount, CultureInfo.InvariantCulture), currency),
            Money.OfAmount(JsonDocument.Parse(json).RootElement));
}
