using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Mail;

namespace Sendcat.UnitTests.Mail;

/// <summary>The built-in texts that a process extracts before its first job.</summary>
public sealed class ExtractionRehearsalTests
{
    private const string Number = "113-0000000-0000000";
    private const string Tracking = "1Z5W7A880342719064";

    [Fact]
    public async Task The_mail_goes_the_way_of_a_merchants_mail_with_markup()
    {
        await using var rig = await ExtractionRig.StartAsync();
        var mail = MailReader.Read(ExtractionRehearsal.Mail);

        var extraction = await rig.Extraction.ExtractAsync(mail, TestContext.Current.CancellationToken);

        Assert.Equal((MailDefects.None, "amazon", 2), (mail.Defects, mail.Merchant?.Id, mail.Links.Count));
        Assert.Equal(ExtractionPath.Markup, extraction.Path);
        var order = Assert.Single(extraction.Orders);
        Assert.Equal((Number, Tracking), (order.OrderNumber?.Value, Assert.Single(order.Parcels).TrackingNumber.Value));
    }

    [Fact]
    public async Task The_message_is_read_by_the_built_in_model_and_its_answer_is_grounded()
    {
        await using var rig = await ExtractionRig.StartAsync();

        var reply = await rig.Get<ExtractionModel>().RehearseAsync(ExtractionRehearsal.Message, TestContext.Current.CancellationToken);
        var (orders, dropped) = Grounding.OfText(MailReader.OfUserText(ExtractionRehearsal.Message), reply.Answer!, [], "US");

        var order = Assert.Single(orders);
        Assert.Equal((Number, 20m, 0), (order.OrderNumber?.Value, order.Total?.Value.Amount, dropped));
        Assert.Equal(Tracking, Assert.Single(order.Parcels).TrackingNumber.Value);
    }

    [Theory]
    [InlineData("test")]
    [InlineData("")]
    public async Task The_rehearsal_sends_no_request(string key)
    {
        await using var rig = await ExtractionRig.StartAsync(("OPENROUTER_API_KEY", key));

        await rig.Extraction.PrepareAsync(TestContext.Current.CancellationToken);

        Assert.Empty(rig.Emulator.Requests);
    }
}
