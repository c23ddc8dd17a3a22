using System.Text;
using Sendcat.Integrations.Mail;

namespace Sendcat.UnitTests.Mail;

/// <summary>What a draft says about the items of an order.</summary>
public sealed class ItemsSummaryTests
{
    [Theory]
    [InlineData("* Electric kettle", "Electric kettle")]
    [InlineData("* Electric kettle\nQuantity: 1", "Electric kettle")]
    [InlineData("* Electric kettle\nQuantity: 3", "Electric kettle x3")]
    [InlineData("Electric kettle\nQuantity: 3", "Electric kettle x3")]
    [InlineData("* Electric kettle\nQuantity: 1\n* Toaster\nQuantity: 2", "3 items")]
    [InlineData("* Electric kettle\n* Toaster", "2 items")]
    public async Task A_quantity_below_an_item_counts_the_item_once(string items, string summary)
    {
        await using var rig = await ExtractionRig.StartAsync();
        var mail = MailReader.Read(Encoding.UTF8.GetBytes(
            $"""
            Authentication-Results: mx.google.com; dkim=pass header.i=@amazon.com header.s=s1; dmarc=pass header.from=amazon.com
            From: Amazon.com <auto-confirm@amazon.com>
            To: ann@gmail.com
            Subject: Your Amazon.com order 114-3000000-0000007
            MIME-Version: 1.0
            Content-Type: text/plain; charset="utf-8"

            Order #114-3000000-0000007

            {items}

            Order Total: $27.99
            """.ReplaceLineEndings("\r\n")));

        var extraction = await rig.Extraction.ExtractAsync(mail, TestContext.Current.CancellationToken);

        Assert.Equal(summary, Assert.Single(extraction.Orders).ItemsSummary);
    }
}
