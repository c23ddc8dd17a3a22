using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.Integrations.Extraction;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Senders;
using Sendcat.Integrations.Orders;
using Sendcat.Integrations.Parcels;
using Sendcat.Reliability.Outages;

namespace Sendcat.ContractTests.Orders;

/// <summary>Recording of extracted orders: idempotency, merging, folding, and which parcels are announced.</summary>
public sealed class OrderIntakeTests(PostgresFixture postgres) : SharedApiTests(postgres)
{
    private const string Parcel = "1Z999AA10123456784";

    private OrderIntake _intake = null!;
    private string _user = null!;

    [Fact]
    public async Task A_thousand_concurrent_copies_of_a_delivery_have_one_effect()
    {
        await SetAutoCreateAsync(_user);
        await using var wide = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(Api.ConnectionString) { MaxPoolSize = 50, Timeout = 600 });
        var intake = new OrderIntake(
            wide, Api.Services.GetRequiredService<PackageOwners>(), Api.Services.GetRequiredService<IOptionsMonitor<PreAlertOptions>>(),
            TimeProvider.System, Api.Services.GetRequiredService<StoreOutages>(), NullLogger<OrderIntake>.Instance);
        var mail = ExtractedMails.Of(ExtractedMails.Order("112-1-1", parcels: [Parcel]));

        var results = await Task.WhenAll(
            Enumerable.Range(0, 1000).Select(_ => intake.RecordAsync(Source("m1"), mail, TestContext.Current.CancellationToken)));

        Assert.Equal(new(EvidenceStatus.Extracted, 1, 0, 1), Assert.Single(results, result => !result.IsRepeat));
        Assert.Equal("1 1 1 1", await CountsAsync(_user));
        Assert.True(await _intake.IsKnownAsync(Source("m1"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Concurrent_mails_about_one_order_make_one_draft()
    {
        var results = await Task.WhenAll(
            Enumerable.Range(0, 20)
                .Select(n => RecordAsync($"m{n}", ExtractedMails.Order("112-7654321-7654321", items: n == 7 ? "Kettle" : null))));

        Assert.Equal((1, 19), (results.Sum(result => result.DraftsCreated), results.Sum(result => result.DraftsUpdated)));
        Assert.Equal("20 1 0 0", await CountsAsync(_user));
        Assert.Equal("Kettle", await DraftAsync<string>("items_summary"));
    }

    [Fact]
    public async Task The_same_message_id_of_another_user_is_another_message()
    {
        var other = await NewUserAsync();

        await RecordAsync("m1", ExtractedMails.Order("A-100000001"));
        var result = await _intake.RecordAsync(
            Source("m1") with { UserId = other }, ExtractedMails.Of(ExtractedMails.Order("A-100000001")),
            TestContext.Current.CancellationToken);

        Assert.Equal(1, result.DraftsCreated);
    }

    [Fact]
    public async Task Later_mails_fill_only_what_is_missing()
    {
        await RecordAsync("m1", ExtractedMails.Order("A-100000001", total: new(25.5m, null), confidence: 0.5));
        await RecordAsync("m2", ExtractedMails.Order("A-100000001", total: new(25.5m, "EUR"), items: "Kettle", confidence: 0.9));
        await RecordAsync("m3", ExtractedMails.Order("A-100000001", total: new(9m, "USD"), items: "Something else", confidence: 0.1));

        Assert.Equal("Kettle", await DraftAsync<string>("items_summary"));
        Assert.Equal((25.5m, "EUR"), (await DraftAsync<decimal>("total_amount"), await DraftAsync<string>("total_currency")));
        Assert.Equal(0.9, await DraftAsync<double>("confidence"));
    }

    [Fact]
    public async Task A_shared_parcel_joins_orders_and_folds_the_drafts_they_had()
    {
        await RecordAsync("m1", ExtractedMails.Order("A-100000001", parcels: [Parcel]));
        await RecordAsync("m2", ExtractedMails.Order("B-200000002", items: "Kettle"));
        Assert.Equal("2 2 1 0", await CountsAsync(_user));

        // A mail that names only the second order in the first one's parcel connects both.
        await RecordAsync("m3", ExtractedMails.Order("B-200000002", parcels: [Parcel]));
        await RecordAsync("m4", ExtractedMails.Order("C-300000003", parcels: [Parcel]));
        await RecordAsync("m5", ExtractedMails.Order("C-300000003"), ExtractedMails.Order("A-100000001"));

        Assert.Equal(["A-100000001", "C-300000003"], (await DraftAsync<string[]>("order_numbers", "items_summary IS NULL")).Order());
        Assert.Equal("5 2 1 0", await CountsAsync(_user));
    }

    [Theory]
    [InlineData("order+shipment shipment", "1 1")]
    [InlineData("shipment order+shipment", "1 1")]
    [InlineData("shipment other+shipment order", "2 1")]
    [InlineData("shipment shipment", "1 1")]
    public async Task A_mail_with_a_shipment_alone_belongs_to_the_draft_of_the_order_with_it(string mails, string expected)
    {
        var number = 0;
        foreach (var mail in mails.Split(' '))
        {
            var keys = mail.Split('+');
            var order = keys[0] switch { "order" => "112-1111111-1111111", "other" => "112-2222222-2222222", _ => null };
            string[] shipments = keys[^1] == "shipment" ? ["amazon:Bcd12fGh3"] : [];
            var result = await RecordAsync($"m{number++}", ExtractedMails.Order(order, merchant: "amazon", shipments: shipments));
            Assert.Equal(EvidenceStatus.Extracted, result.Status);
        }

        Assert.Equal(
            expected,
            await Api.ScalarAsync<string>(
                $"""
                SELECT count(*) || ' ' || (SELECT count(*) FROM draft_shipments WHERE user_id = '{_user}') FROM purchase_drafts
                WHERE user_id = '{_user}'
                """));
    }

    [Fact]
    public async Task A_notice_of_the_carrier_becomes_part_of_the_order_that_names_its_parcel()
    {
        await RecordAsync("m1", ExtractedMails.Order(null, merchant: "ups.com", parcels: [Parcel]));
        await RecordAsync("m2", ExtractedMails.Order("A-100000001"));
        await RecordAsync("m3", ExtractedMails.Order("A-100000001", parcels: [Parcel]));

        Assert.Equal("3 1 1 0", await CountsAsync(_user));
        Assert.Equal(
            3,
            await Api.ScalarAsync<long>(
                $"SELECT count(*) FROM draft_evidence JOIN purchase_drafts d ON d.id = draft_id WHERE user_id = '{_user}'"));
    }

    [Fact]
    public async Task Short_order_numbers_of_different_shops_are_different_orders()
    {
        await RecordAsync("m1", ExtractedMails.Order("1001", merchant: "one.example"));
        await RecordAsync("m2", ExtractedMails.Order("1001", merchant: "two.example"));
        await RecordAsync("m3", ExtractedMails.Order("1001", merchant: "two.example", items: "Kettle"));

        Assert.Equal("3 2 0 0", await CountsAsync(_user));
        Assert.Equal("two.example", await DraftAsync<string>("merchant", "items_summary = 'Kettle'"));
    }

    [Theory]
    [InlineData(true, SenderTrust.Authenticated, FieldSource.Format, 1)]
    [InlineData(true, SenderTrust.User, FieldSource.Model, 1)]
    [InlineData(false, SenderTrust.Authenticated, FieldSource.Format, 0)]
    [InlineData(true, SenderTrust.Stranger, FieldSource.Markup, 0)]
    [InlineData(true, SenderTrust.Forwarded, FieldSource.Format, 0)]
    [InlineData(true, SenderTrust.Claimed, FieldSource.Markup, 0)]
    [InlineData(true, SenderTrust.Unproven, FieldSource.Format, 0)]
    [InlineData(true, SenderTrust.User, FieldSource.Picture, 0)]
    public async Task Parcels_become_pre_alerts_by_preference_and_proof(
        bool preference, SenderTrust trust, FieldSource source, int preAlerts)
    {
        if (preference)
        {
            await SetAutoCreateAsync(_user);
        }

        var result = await RecordAsync("m1", ExtractedMails.Order("A-100000001", trust: trust, source: source, parcels: [Parcel]));

        Assert.Equal((1, preAlerts), (result.DraftsCreated, result.PreAlerts));
        Assert.Equal($"1 1 1 {preAlerts}", await CountsAsync(_user));
    }

    [Fact]
    public async Task A_parcel_of_an_order_that_was_confirmed_before_it_was_shipped_is_submitted_at_once()
    {
        await SetAutoCreateAsync(_user);
        await RecordAsync("m1", ExtractedMails.Order("A-100000001"));
        await Api.ExecuteAsync($"UPDATE purchase_drafts SET status = 'confirmed', confirmed_at = now() WHERE user_id = '{_user}'");

        await RecordAsync("m2", ExtractedMails.Order("A-100000001", parcels: [Parcel]));

        Assert.Equal(
            "submitted",
            await Api.ScalarAsync<string>($"SELECT status FROM pre_alerts WHERE user_id = '{_user}' AND submitted_at IS NOT NULL"));
    }

    [Fact]
    public async Task A_stranger_announces_nothing_in_an_order_that_is_confirmed_and_moves_no_parcel()
    {
        const string Other = "1Z5R89390357567127";
        await SetAutoCreateAsync(_user);
        await RecordAsync("m1", ExtractedMails.Order("A-100000001", trust: SenderTrust.Forwarded, parcels: [Other]));
        await RecordAsync("m2", ExtractedMails.Order("B-200000002"));
        await Api.ExecuteAsync($"UPDATE purchase_drafts SET status = 'confirmed', confirmed_at = now() WHERE user_id = '{_user}'");

        await RecordAsync("m3", ExtractedMails.Order("B-200000002", trust: SenderTrust.Stranger, parcels: [Parcel, Other]));

        Assert.Equal(0L, await Api.ScalarAsync<long>($"SELECT count(*) FROM pre_alerts WHERE user_id = '{_user}'"));
        Assert.Equal(
            $"A-100000001 {Other} False, B-200000002 {Parcel} False",
            await Api.ScalarAsync<string>(
                $"""
                SELECT string_agg(
                    format('%s %s %s', order_numbers[1], tracking_number, initcap(is_verified::text)), ', ' ORDER BY order_numbers[1])
                FROM draft_parcels JOIN purchase_drafts d ON d.id = draft_id WHERE d.user_id = '{_user}'
                """));
    }

    [Fact]
    public async Task A_mail_about_a_rejected_draft_announces_nothing()
    {
        await SetAutoCreateAsync(_user);
        await RecordAsync("m1", ExtractedMails.Order("A-100000001"));
        await Api.ExecuteAsync($"UPDATE purchase_drafts SET status = 'rejected' WHERE user_id = '{_user}'");

        await RecordAsync("m2", ExtractedMails.Order("A-100000001", parcels: [Parcel]));

        Assert.Equal("2 1 1 0", await CountsAsync(_user));
    }

    [Fact]
    public async Task A_mail_that_nobody_can_verify_moves_no_parcel()
    {
        await RecordAsync("m1", ExtractedMails.Order("A-100000001", parcels: [Parcel]));
        await RecordAsync("m2", ExtractedMails.Order("B-200000002"));
        await RecordAsync("m3", ExtractedMails.Order("B-200000002", trust: SenderTrust.Unproven, parcels: [Parcel]));

        Assert.Equal(
            "A-100000001",
            await Api.ScalarAsync<string>(
                $"SELECT order_numbers[1] FROM draft_parcels JOIN purchase_drafts d ON d.id = draft_id WHERE d.user_id = '{_user}'"));
    }

    [Fact]
    public async Task A_failure_that_passes_leaves_the_mail_open_and_the_next_result_completes_it()
    {
        var partial = ExtractedMails.Of(
            ExtractedMails.Order(null, parcels: [Parcel])) with { Failure = new("away", Retryable: true), ModelCalls = 2 };

        Assert.Equal(
            EvidenceStatus.Pending, (await _intake.RecordAsync(Source("m1"), partial, TestContext.Current.CancellationToken)).Status);
        Assert.False(await _intake.IsKnownAsync(Source("m1"), TestContext.Current.CancellationToken));
        var result = await RecordAsync("m1", ExtractedMails.Order("A-100000001", parcels: [Parcel]));

        Assert.Equal(new(EvidenceStatus.Extracted, 0, 1, 0), result);
        Assert.True((await RecordAsync("m1", ExtractedMails.Order("A-100000001", parcels: [Parcel]))).IsRepeat);
        Assert.Equal("1 1 1 0", await CountsAsync(_user));
        Assert.Equal(["A-100000001"], await DraftAsync<string[]>("order_numbers"));
    }

    [Theory]
    [InlineData(MailTopic.Order, 1, EvidenceStatus.Failed, OrderIntake.InsufficientCoreFields)]
    [InlineData(MailTopic.Other, 2, EvidenceStatus.Failed, OrderIntake.InsufficientCoreFields)]
    [InlineData(MailTopic.Promotion, 0, EvidenceStatus.Ignored, null)]
    [InlineData(MailTopic.Other, 0, EvidenceStatus.Ignored, null)]
    public async Task A_mail_without_an_order_is_settled(MailTopic kind, int modelCalls, EvidenceStatus status, string? error)
    {
        var nothing = new MailExtraction { Kind = kind, Path = ExtractionPath.None, ModelCalls = modelCalls };

        Assert.Equal(new(status, 0, 0, 0), await _intake.RecordAsync(Source("m1"), nothing, TestContext.Current.CancellationToken));
        Assert.True(await _intake.IsKnownAsync(Source("m1"), TestContext.Current.CancellationToken));
        Assert.Equal(error ?? "", await Api.ScalarAsync<string>($"SELECT coalesce(error, '') FROM evidence WHERE user_id = '{_user}'"));
    }

    [Fact]
    public async Task Text_that_Postgres_cannot_store_and_absurd_amounts_do_no_harm()
    {
        var order = ExtractedMails.Order(
            "A-1000\u00000001", total: new(decimal.MaxValue, "USD"),
            items: new string('x', 299) + "\uD83D\uDE00") with { StoreName = "a\0b\uD800" };

        Assert.Equal(1, (await RecordAsync("m1", order)).DraftsCreated);
        Assert.Equal("ab", await DraftAsync<string>("store_name"));
        Assert.True(await DraftAsync<bool>("total_amount IS NULL AND total_currency IS NULL"));
    }

    [Fact]
    public async Task A_user_who_does_not_exist_gets_nothing()
    {
        var result = await _intake.RecordAsync(
            Source("m1") with { UserId = "nobody" }, ExtractedMails.Of(ExtractedMails.Order("A-100000001")),
            TestContext.Current.CancellationToken);

        Assert.True(result.IsRepeat);
    }

    private protected override async Task PrepareAsync()
    {
        _intake = Api.Services.GetRequiredService<OrderIntake>();
        _user = await NewUserAsync();
    }

    private async Task<string> NewUserAsync()
    {
        var (client, _) = await Api.UserAsync($"{Guid.NewGuid():N}@example.com");
        return (string)(await (await client.GetAsync("/api/auth/me")).JsonAsync())["id"]!;
    }

    private EvidenceSource Source(string message) => ExtractedMails.Source(_user, message);

    private Task<IntakeResult> RecordAsync(string message, params ExtractedOrder[] orders) =>
        _intake.RecordAsync(Source(message), ExtractedMails.Of(orders), TestContext.Current.CancellationToken);

    private Task SetAutoCreateAsync(string user) => Api.ExecuteAsync(
        $"""
        INSERT INTO user_preferences (user_id, auto_create_pre_alerts, gmail_sync_enabled, whatsapp_sync_enabled, package_status_mails,
            updated_at)
        VALUES ('{user}', true, true, true, true, now())
        """);

    /// <summary>Evidence, drafts, parcels and pre-alerts of a user.</summary>
    private Task<string> CountsAsync(string user) => Api.ScalarAsync<string>(
        $"""
        SELECT concat_ws(' ', (SELECT count(*) FROM evidence WHERE user_id = '{user}'), (SELECT count(*) FROM purchase_drafts
            WHERE user_id = '{user}'),
            (SELECT count(*) FROM draft_parcels WHERE user_id = '{user}'), (SELECT count(*) FROM pre_alerts WHERE user_id = '{user}'))
        """);

    private Task<T> DraftAsync<T>(string column, string where = "true") =>
        Api.ScalarAsync<T>($"SELECT {column} FROM purchase_drafts WHERE user_id = '{_user}' AND {where}");
}
