using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Circuits;

namespace Sendcat.UnitTests.Mail;

/// <summary>Model calls of the extraction: what is asked, what is believed, and what happens when a model fails.</summary>
public sealed class OrderExtractionTests
{
    private const string Text = "My order AB-1001 from Coir Mats is on its way, the total was $32.50 and it comes by USPS.";
    private const string Answer = """{"kind":"shipment","orders":[{"merchant":"Coir Mats","storeName":"Coir Mats","orderNumber":"AB-1001","itemsSummary":"mat","valueTotal":32.5,"currency":"USD","trackingNumbers":[],"carrier":null}],"invoicePresent":false,"confidence":0.9}""";

    [Fact]
    public async Task A_request_asks_for_JSON_of_a_schema_with_low_temperature_and_a_token_limit()
    {
        await using var rig = await ExtractionRig.StartAsync();
        rig.ModelAnswers(Answer);

        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        var order = Assert.Single(extraction.Orders);
        Assert.Equal(
            ("AB-1001", 32.5m, "USD", FieldSource.Model),
            (order.OrderNumber!.Value, order.Total!.Value.Amount, order.Total.Value.Currency, order.OrderNumber.Source));
        Assert.Equal((ExtractionPath.Model, "google/gemini-2.0-flash-001", 1), (extraction.Path, extraction.Model, extraction.ModelCalls));
        var body = Assert.Single(rig.Emulator.Requests).Body;
        Assert.Equal("json_schema", body.GetProperty("response_format").GetProperty("type").GetString());
        Assert.Equal(0.1, body.GetProperty("temperature").GetDouble(), 3);
        Assert.Equal(1_024, body.GetProperty("max_completion_tokens").GetInt32());
        Assert.Contains(
            "<document>", body.GetProperty("messages").EnumerateArray().Last().GetProperty("content").ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status=503")]
    [InlineData("status=429 body=html")]
    [InlineData("text=\"I could not find an order.\"")]
    [InlineData("bad-json-after=1")]
    [InlineData("cut-after=1")]
    public async Task The_other_model_answers_when_the_first_one_fails(string fault)
    {
        await using var rig = await ExtractionRig.StartAsync();
        rig.ModelAnswers(Answer);
        rig.Emulator.Direct($"[[emu model=google/gemini-2.0-flash-001 {fault}]]");

        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        Assert.Equal(("mistralai/mistral-small-latest", 2), (extraction.Model, extraction.ModelCalls));
        Assert.Single(extraction.Orders);
    }

    [Theory]
    [InlineData("status=503", true)]
    [InlineData("status=402", true)]
    [InlineData("status=400", false)]
    [InlineData("text=nonsense", true)]
    public async Task A_failure_says_whether_a_later_attempt_may_succeed(string fault, bool retryable)
    {
        await using var rig = await ExtractionRig.StartAsync();
        rig.Emulator.Direct($"[[emu {fault}]]");

        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        Assert.Equal(retryable, extraction.Failure?.Retryable);
        Assert.DoesNotContain("Coir", extraction.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_does_not_answer_times_out()
    {
        await using var rig = await ExtractionRig.StartAsync(("EXTRACTION_TIMEOUT_MS", "1000"));
        rig.Emulator.Direct("[[emu hang=before-headers]]");

        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        Assert.Equal((2, true), (extraction.ModelCalls, extraction.Failure?.Retryable));
    }

    [Fact]
    public async Task An_open_circuit_stops_requests()
    {
        await using var rig = await ExtractionRig.StartAsync(("CIRCUIT_EXTRACTION_THRESHOLD", "2"));
        rig.Emulator.Direct("[[emu status=503]]");

        await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);
        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        Assert.Equal(2, rig.Emulator.Requests.Count);
        Assert.Equal((0, true), (extraction.ModelCalls, extraction.Failure?.Retryable));
        Assert.Contains(
            rig.Get<Circuits>().States(), circuit => circuit.Provider == ExtractionProvider.Provider.Name && circuit.State != "closed");
    }

    [Fact]
    public async Task An_answer_with_half_a_character_is_read_and_opens_no_circuit()
    {
        await using var rig = await ExtractionRig.StartAsync(("CIRCUIT_EXTRACTION_THRESHOLD", "1"));
        rig.ModelAnswers(Answer.Replace("[]", """["\ud800"]""", StringComparison.Ordinal).Insert(1, """ "\ud800 of another": 1,"""));

        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        Assert.Equal(("AB-1001", 1, 1), (Assert.Single(extraction.Orders).OrderNumber!.Value, extraction.UngroundedValues, extraction.ModelCalls));
        Assert.DoesNotContain(
            rig.Get<Circuits>().States(), circuit => circuit.Provider == ExtractionProvider.Provider.Name && circuit.State != "closed");
    }

    [Fact]
    public async Task Without_a_key_nothing_is_sent()
    {
        await using var rig = await ExtractionRig.StartAsync(("OPENROUTER_API_KEY", ""));

        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        Assert.Equal(false, extraction.Failure?.Retryable);
        Assert.Empty(rig.Emulator.Requests);
    }

    [Theory]
    [InlineData("\"orderNumber\":\"AB-1001\"", "\"orderNumber\":\"AB-100\"")]
    [InlineData("\"orderNumber\":\"AB-1001\"", "\"orderNumber\":\"B-1001\"")]
    [InlineData("\"orderNumber\":\"AB-1001\"", "\"orderNumber\":\"HACKED\"")]
    [InlineData("\"valueTotal\":32.5", "\"valueTotal\":32")]
    [InlineData("\"trackingNumbers\":[]", "\"trackingNumbers\":[\"9400110200881234567893\"]")]
    [InlineData("\"trackingNumbers\":[]", "\"trackingNumbers\":[\"AB-1001\"]")]
    public async Task What_does_not_stand_in_the_text_is_dropped(string right, string wrong)
    {
        await using var rig = await ExtractionRig.StartAsync();
        rig.ModelAnswers(Answer.Replace(right, wrong, StringComparison.Ordinal));

        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        Assert.Equal(1, extraction.UngroundedValues);
        Assert.DoesNotContain(
            extraction.Orders,
            order => order.OrderNumber is { Value: not "AB-1001" } || order.Total is { Value.Amount: not 32.5m }
                || order.Parcels.Count > 0);
    }

    [Fact]
    public async Task A_currency_that_the_text_does_not_name_is_not_the_models_to_choose()
    {
        await using var rig = await ExtractionRig.StartAsync();
        rig.ModelAnswers(Answer.Replace("\"USD\"", "\"JMD\"", StringComparison.Ordinal));

        var extraction = await rig.Extraction.ExtractTextAsync(Text, CancellationToken.None);

        Assert.Equal("USD", Assert.Single(extraction.Orders).Total!.Value.Currency);
    }

    [Fact]
    public async Task Of_a_picture_only_numbers_of_a_known_format_are_kept()
    {
        await using var rig = await ExtractionRig.StartAsync();
        var number =
            (
                (string[])
                [
                    "1Z5W7A880342719060", "1Z5W7A880342719061", "1Z5W7A880342719062", "1Z5W7A880342719063", "1Z5W7A880342719064",
                    "1Z5W7A880342719065", "1Z5W7A880342719066", "1Z5W7A880342719067", "1Z5W7A880342719068", "1Z5W7A880342719069",
                ])
            .Single(candidate => Sendcat.Integrations.Mail.Tracking.TrackingFormats.CandidatesOf(candidate).Count > 0);
        rig.ModelAnswers($$"""{"kind":"order","orders":[{"merchant":"Amazon","orderNumber":"112-5580149-2291455","valueTotal":20,"currency":"USD","trackingNumbers":["{{number}}","1Z5W7A88034271906X","449182"]},{"orderNumber":"4471","trackingNumbers":[]}],"confidence":0.99}""");

        var extraction = await rig.Extraction.ExtractPictureAsync(
            new byte[] { 0x89, 0x50, 0x4E, 0x47 }, "image/png", "", CancellationToken.None);

        var order = Assert.Single(extraction.Orders);
        Assert.Equal(
            ("amazon", "112-5580149-2291455", number),
            (order.Merchant, order.OrderNumber!.Value, Assert.Single(order.Parcels).TrackingNumber.Value));
        Assert.True(order.Confidence < 0.7);
        Assert.False(order.MayPreAlert);
        Assert.Equal(("mistralai/mistral-small-latest", 3), (extraction.Model, extraction.UngroundedValues));
    }

    [Fact]
    public async Task A_caller_that_cancels_gets_no_second_model()
    {
        await using var rig = await ExtractionRig.StartAsync();
        rig.Emulator.Direct("[[emu hang=before-headers]]");
        using var cancelled = new CancellationTokenSource();

        var extraction = rig.Extraction.ExtractTextAsync(Text, cancelled.Token);
        await rig.Emulator.Stats.WaitForAsync(stats => stats.Totals.Active == 1);
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => extraction);
        Assert.Single(rig.Emulator.Requests);
    }
}
