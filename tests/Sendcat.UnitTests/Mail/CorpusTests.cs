using System.Globalization;
using System.Text.RegularExpressions;
using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Senders;

namespace Sendcat.UnitTests.Mail;

/// <summary>Precision and recall over the mails of the corpus. Its README says what the figures prove.</summary>
public sealed partial class CorpusTests(ITestOutputHelper output)
{
    private const string NothingToRead = """{"kind":"other","orders":[],"invoicePresent":false,"confidence":0.5}""";

    [Fact]
    public void The_corpus_has_the_mails_that_its_page_promises()
    {
        var development = CorpusMail.Load("development");
        var heldOut = CorpusMail.Load("held-out");

        Assert.True(development.Count + heldOut.Count >= 120, $"{development.Count} + {heldOut.Count} mails");
        Assert.True(heldOut.Count * 3 >= development.Count + heldOut.Count, $"{heldOut.Count} held-out mails are less than a third");
        Assert.True(development.Concat(heldOut).Count(mail => mail.IsHostile) >= 25);
    }

    [Theory]
    [InlineData("development")]
    [InlineData("held-out")]
    [InlineData("held-out-2")]
    public async Task Tracking_numbers_order_numbers_and_totals_are_found(string part)
    {
        var score = new CorpusScore();
        await foreach (var (mail, _, extraction) in ExtractAsync(part))
        {
            score.Add(mail, extraction);
        }

        foreach (var field in score.Fields)
        {
            output.WriteLine(field.ToString());
        }

        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"model calls per 100 mails: {100.0 * score.ModelCalls / score.Mails:0.0} ({score.ModelCalls} for {score.Mails} mails)"));
        var mistakes = string.Join('\n', score.Fields.SelectMany(field => field.Mistakes));
        output.WriteLine(mistakes);
        Assert.True(score.Tracking.Precision >= 0.99 && score.Tracking.Recall >= 0.97, mistakes);
        Assert.True(score.OrderNumber.Precision >= 0.97 && score.OrderNumber.Recall >= 0.97, mistakes);
        Assert.True(score.Total.Precision >= 0.95 && score.Total.Recall >= 0.95, mistakes);
    }

    [Theory]
    [InlineData("development")]
    [InlineData("held-out")]
    [InlineData("held-out-2")]
    public async Task Every_extracted_value_stands_in_its_mail(string part)
    {
        var invented = new List<string>();
        await foreach (var (mail, read, extraction) in ExtractAsync(part))
        {
            var sources = read.Originals.Count > 0 ? read.Originals : [read];
            foreach (var order in extraction.Orders)
            {
                var values = order.Parcels.Select(parcel => (parcel.TrackingNumber.Value, parcel.TrackingNumber.Evidence))
                    .Concat(order.OrderNumber is { } number ? [(number.Value, number.Evidence)] : [])
                    .Concat(
                        order.Total is { } total
                            ? [(total.Value.Amount.ToString("0.##", CultureInfo.InvariantCulture), total.Evidence)]
                            : []);
                invented.AddRange(
                    values.Where(value => !Stands(value.Value, value.Evidence, sources)).Select(value => $"{mail}: {value.Value}"));
            }
        }

        Assert.Empty(invented);
    }

    [Theory]
    [InlineData("development")]
    [InlineData("held-out")]
    [InlineData("held-out-2")]
    public async Task Only_parcels_of_known_merchants_whose_domain_is_proven_may_be_announced(string part)
    {
        var wrong = new List<string>();
        await foreach (var (mail, read, extraction) in ExtractAsync(part))
        {
            var expected = mail.Outcome;
            var mayAnnounce = extraction.Orders.Any(order => order.MayPreAlert);
            var trust = (read.Originals.Count > 0 ? read.Originals[0] : read).Trust;
            wrong.AddRange(mayAnnounce && trust is not SenderTrust.Authenticated ? [$"{mail}: announces with trust {trust}"] : []);
            wrong.AddRange(expected.PreAlert is { } announce && announce != mayAnnounce ? [$"{mail}: announces {mayAnnounce}"] : []);
            wrong.AddRange(
                expected.Trust is { } known && !trust.ToString().Equals(known, StringComparison.OrdinalIgnoreCase)
                    ? [$"{mail}: trust {trust}"]
                    : []);
            wrong.AddRange(
                from number in expected.Ambiguous ?? []
                from parcel in extraction.Orders.SelectMany(order => order.Parcels)
                where parcel.TrackingNumber.Value == number && (parcel.Carrier is not null || parcel.Candidates.Count < 2)
                select $"{mail}: {number} has carrier {parcel.Carrier}");
            wrong.AddRange(
                from order in expected.Orders
                where order.Merchant is not null
                from actual in extraction.Orders
                where actual.Merchant != order.Merchant
                select $"{mail}: merchant {actual.Merchant}");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Marked_up_mails_cost_no_model_call_and_requests_offer_no_tool()
    {
        await using var rig = await ExtractionRig.StartAsync();
        rig.ModelAnswers(NothingToRead);

        foreach (var mail in CorpusMail.Load("development").Concat(CorpusMail.Load("held-out")))
        {
            var extraction = await rig.Extraction.ExtractAsync(MailReader.Read(mail.Raw), CancellationToken.None);
            Assert.False(extraction is { Path: ExtractionPath.Markup, ModelCalls: > 0 }, mail.Name);
            Assert.True(mail.Outcome.Kind is not ("promotion" or "receipt") || extraction.ModelCalls == 0, $"{mail.Name} asks a model");
        }

        Assert.NotEmpty(rig.Emulator.Requests);
        Assert.All(rig.Emulator.Requests, request =>
        {
            Assert.EndsWith("/chat/completions", request.Path, StringComparison.Ordinal);
            Assert.False(request.Body.TryGetProperty("tools", out _));
        });
    }

    private static async IAsyncEnumerable<(CorpusMail Mail, ReadMail Read, MailExtraction Extraction)> ExtractAsync(string part)
    {
        await using var rig = await ExtractionRig.StartAsync();
        foreach (var mail in CorpusMail.Load(part))
        {
            rig.ModelAnswers(mail.Outcome.Model?.ToJsonString() ?? NothingToRead);
            var read = MailReader.Read(mail.Raw);
            var extraction = await rig.Extraction.ExtractAsync(read, CancellationToken.None);
            Assert.True(extraction.Failure is null, $"{mail}: {extraction.Failure}");
            yield return (mail, read, extraction);
        }
    }

    private static bool Stands(string value, Evidence? evidence, IReadOnlyList<ReadMail> sources)
    {
        var wanted = Compact(value);
        return evidence is not null && (evidence.Start >= 0
            ? sources.Any(
                mail => mail.Text.Length >= evidence.Start + evidence.Length
                    && Compact(mail.Text.Substring(evidence.Start, evidence.Length)).Contains(wanted, StringComparison.Ordinal))
            : sources.Any(
                mail => mail.Links.Any(link => Compact(Uri.UnescapeDataString(link.Address)).Contains(wanted, StringComparison.Ordinal))
                    || mail.Markup.Any(item => Contains(item, wanted))));
    }

    private static bool Contains(Sendcat.Integrations.Mail.Markup.MarkupItem item, string wanted) =>
        item.Properties.Values.SelectMany(values => values)
            .Any(
                value => value.Text is { } text ? Compact(text).Contains(wanted, StringComparison.Ordinal) : Contains(value.Item!, wanted));

    /// <summary>Letters and digits alone; amounts without zeros behind the point.</summary>
    private static string Compact(string text) => NoWord().Replace(Cents().Replace(text, ""), "").ToUpperInvariant();

    [GeneratedRegex(@"[.,]00?\b|(?<=[.,]\d)0\b", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Cents();

    [GeneratedRegex("[^A-Za-z0-9]", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex NoWord();
}
