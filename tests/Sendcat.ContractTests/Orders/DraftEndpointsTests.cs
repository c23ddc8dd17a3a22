using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Sendcat.ContractTests.Attachments;
using Sendcat.Integrations.Mail.Senders;

namespace Sendcat.ContractTests.Orders;

/// <summary><c>/api/drafts</c>, <c>/api/pre-alerts</c>, <c>/api/evidence</c> and <c>/api/preferences</c>.</summary>
public sealed class DraftEndpointsTests(OrdersApi orders) : IClassFixture<OrdersApi>
{
    private const string Parcel = OrdersApi.Parcel;

    [Fact]
    public async Task A_draft_shows_what_the_mail_says_and_what_is_missing()
    {
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("112-7654321-1", total: new(25.5m, "EUR"), parcels: [Parcel]));

        var draft = await user.DraftAsync();
        var evidence = Assert.Single(await user.ItemsAsync("/api/evidence"))!;

        Assert.Equal(
            ("draft", "112-7654321-1", 25.5m, "EUR"),
            ((string)draft["status"]!, (string)draft["orderNumber"]!, (decimal)draft["totalAmount"]!, (string)draft["totalCurrency"]!));
        Assert.Equal("""["itemsSummary"]""", draft["missingFields"]!.ToJsonString());
        Assert.Equal($$"""[{"trackingNumber":"{{Parcel}}","carrier":"ups","isVerified":true}]""", draft["parcels"]!.ToJsonString());
        Assert.Equal(
            ("extracted", "gmail", "m1", "shop.example"),
            (
                (string)evidence["status"]!, (string)evidence["source"]!, (string)evidence["sourceMessageId"]!,
                (string)evidence["merchant"]!));
        Assert.Equal(draft["evidenceIds"]![0]!.ToJsonString(), evidence["id"]!.ToJsonString());
        Assert.Equal(evidence["draftIds"]![0]!.ToJsonString(), draft["id"]!.ToJsonString());
        Assert.True(JsonNode.DeepEquals(draft, await user.GetAsync($"/api/drafts/{draft["id"]}")));
    }

    [Fact]
    public async Task Drafts_are_filtered_by_status_and_paged()
    {
        var user = await orders.UserAsync();
        for (var n = 0; n < 3; n++)
        {
            await user.RecordAsync($"m{n}", ExtractedMails.Order($"A-10000000{n}"));
        }

        var newest = (await user.ItemsAsync("/api/drafts"))[0]!;
        await user.PostAsync($"/api/drafts/{newest["id"]}/reject", new { });

        Assert.Equal(
            ["A-100000001", "A-100000000"],
            (await user.ItemsAsync("/api/drafts?status=draft")).Select(draft => (string)draft!["orderNumber"]!));
        Assert.Equal("A-100000002", (string)Assert.Single(await user.ItemsAsync("/api/drafts?status=rejected"))!["orderNumber"]!);
        var page = await user.GetAsync("/api/drafts?limit=2");
        var rest = await user.GetAsync($"/api/drafts?limit=2&cursor={page["nextCursor"]}");
        Assert.Equal("A-100000000", (string)Assert.Single(rest["items"]!.AsArray())!["orderNumber"]!);
        await (await user.Client.GetAsync("/api/drafts?status=lost")).RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Confirming_a_draft_submits_its_parcels_once()
    {
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001", trust: SenderTrust.Forwarded, parcels: [Parcel]));
        var path = $"/api/drafts/{(await user.DraftAsync())["id"]}/confirm";
        Assert.Empty(await user.ItemsAsync("/api/pre-alerts"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => user.PostAsync(path, new { })));

        Assert.All(
            answers,
            draft => Assert.Equal(
                ("confirmed", "submitted"), ((string)draft["status"]!, (string)draft["parcels"]![0]!["preAlertStatus"]!)));
        var alert = Assert.Single(await user.ItemsAsync($"/api/pre-alerts?draftId={answers[0]["id"]}"))!;
        Assert.Equal(
            ("submitted", Parcel, (string)alert["submittedAt"]!),
            ((string)alert["status"]!, (string)alert["trackingNumber"]!, (string)alert["confirmedAt"]!));

        // A further parcel of the confirmed order waits for another confirmation, because the user did not choose automatic pre-alerts.
        await user.RecordAsync("m2", ExtractedMails.Order("A-100000001", parcels: ["1Z999AA10123456111"]));
        Assert.Single(await user.ItemsAsync("/api/pre-alerts"));
        await user.PostAsync(path, new { });
        Assert.Equal(2, (await user.ItemsAsync("/api/pre-alerts")).Count(row => (string)row!["status"]! == "submitted"));
    }

    [Fact]
    public async Task Only_the_parcels_that_the_user_names_are_announced()
    {
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001", parcels: [Parcel, "1Z999AA10123456111"]));
        var path = $"/api/drafts/{(await user.DraftAsync())["id"]}/confirm";

        await user.PostAsync(path, new { trackingNumbers = new[] { "1z999aa1 0123456111" } });

        Assert.Equal("1Z999AA10123456111", (string)Assert.Single(await user.ItemsAsync("/api/pre-alerts"))!["trackingNumber"]!);
        await (await user.Client.PostAsJsonAsync(path, new { trackingNumbers = new[] { "short" } }))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Neither_a_mail_nor_a_confirmation_gives_a_user_more_pre_alerts_than_the_maximum()
    {
        var user = await orders.UserAsync();
        (await user.Client.PutAsJsonAsync("/api/preferences", new { autoCreatePreAlerts = true })).EnsureSuccessStatusCode();
        await orders.Api.ExecuteAsync(
            $"""
            INSERT INTO pre_alerts (id, user_id, tracking_number, status, created_at, updated_at)
            SELECT gen_random_uuid(), '{user.Id}', 'FILLED' || lpad(n::text, 6, '0'), 'rejected', now(), now()
            FROM generate_series(1, 1999) n
            """);

        var recorded = await user.RecordAsync(
            "m1", ExtractedMails.Order("A-100000001", parcels: [OrdersApi.NewNumber(), OrdersApi.NewNumber(), OrdersApi.NewNumber()]));
        var draft = await user.DraftAsync();
        var path = $"/api/drafts/{draft["id"]}/confirm";
        await (await user.Client.PostAsJsonAsync(path, new { })).RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        Assert.Equal((1, "draft"), (recorded.PreAlerts, (string)(await user.DraftAsync())["status"]!));

        var announced = Assert.Single(draft["parcels"]!.AsArray(), parcel => parcel!["preAlertId"] is not null)!["trackingNumber"];
        await user.PostAsync(path, new { trackingNumbers = new[] { announced } });
        await (await user.Client.PostAsJsonAsync("/api/pre-alerts", new { trackingNumber = OrdersApi.NewNumber() }))
            .RefusedAsync(HttpStatusCode.Conflict, "quota_exceeded");
        Assert.Equal(
            "submitted 1 2000",
            await orders.Api.ScalarAsync<string>(
                "SELECT concat_ws(' ', 'submitted', count(*) FILTER (WHERE status = 'submitted'), count(*)) FROM pre_alerts "
                    + $"WHERE user_id = '{user.Id}'"));
    }

    [Fact]
    public async Task What_the_user_writes_stays_and_an_order_number_joins_drafts()
    {
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001", items: "Kettle", parcels: [Parcel]));
        await user.RecordAsync("m2", ExtractedMails.Order("B-200000002"));
        var second = (await user.ItemsAsync("/api/drafts"))[0]!;

        var draft = await (await user.Client.PatchAsJsonAsync(
            $"/api/drafts/{second["id"]}",
            new { storeName = "My shop", orderNumber = " b-200000002, a-100000001", totalAmount = 10.5m, totalCurrency = "JMD" })).JsonAsync();
        await user.RecordAsync("m3", ExtractedMails.Order("B-200000002", total: new(99m, "USD")));

        Assert.Equal(
            ("My shop", "B-200000002,A-100000001", "Kettle"),
            ((string)draft["storeName"]!, (string)draft["orderNumber"]!, (string)draft["itemsSummary"]!));
        Assert.Equal(Parcel, (string)draft["parcels"]![0]!["trackingNumber"]!);
        Assert.Equal(
            (10.5m, "JMD"), ((decimal)(await user.DraftAsync())["totalAmount"]!, (string)(await user.DraftAsync())["totalCurrency"]!));
    }

    [Theory]
    [InlineData("reject")]
    [InlineData(null)]
    public async Task A_confirmed_draft_that_an_order_number_joins_to_another_stays_confirmed(string? decision)
    {
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001", parcels: [Parcel]));
        var confirmed = await user.DraftAsync();
        await user.PostAsync($"/api/drafts/{confirmed["id"]}/confirm", new { });
        await user.RecordAsync("m2", ExtractedMails.Order("B-200000002"));
        var second = (await user.ItemsAsync("/api/drafts"))[0]!;
        if (decision is not null)
        {
            await user.PostAsync($"/api/drafts/{second["id"]}/{decision}", new { });
        }

        var joined = await (await user.Client.PatchAsJsonAsync(
            $"/api/drafts/{second["id"]}", new { orderNumber = "B-200000002,A-100000001" })).JsonAsync();

        Assert.Equal(((string)second["id"]!, "confirmed"), ((string)joined["id"]!, (string)joined["status"]!));
        Assert.Equal("submitted", (string)joined["parcels"]![0]!["preAlertStatus"]!);
    }

    [Theory]
    [InlineData("""{"merchant":" "}""")]
    [InlineData("""{"totalAmount":-1}""")]
    [InlineData("""{"totalCurrency":"usd"}""")]
    [InlineData("""{"totalAmount":12}""")]
    [InlineData("""{"storeName":"a\u0000b"}""")]
    [InlineData("""{"totalAmount":"12"}""")]
    public async Task An_invalid_change_of_a_draft_is_an_invalid_request(string body)
    {
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001"));

        await (await user.Client.PatchAsync($"/api/drafts/{(await user.DraftAsync())["id"]}", body.AsJson()))
            .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task An_invoice_is_kept_with_its_draft_and_deleted_when_another_replaces_it()
    {
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001"));
        await user.RecordAsync("m2", ExtractedMails.Order("B-200000002"));
        var drafts = await user.ItemsAsync("/api/drafts");
        string[] files = [await FileApi.UploadAsync(
            user.Client, FileApi.Pdf(), "one.pdf"), await FileApi.UploadAsync(user.Client, FileApi.Pdf(), "two.pdf")];
        var thread = await FileApi.NewThreadAsync(user.Client);

        var draft = await user.PostAsync($"/api/drafts/{drafts[0]!["id"]}/invoice", new { attachmentId = files[0] });
        Assert.Equal((files[0], true), ((string)draft["invoiceId"]!, (bool)draft["invoicePresent"]!));

        // The thread that names it too is deleted: the invoice stays.
        await (await FileApi.SendAsync(user.Client, thread, "look", files[0])).JsonAsync();
        (await user.Client.DeleteAsync($"/api/threads/{thread}")).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.OK, (await user.Client.GetAsync($"/api/attachments/{files[0]}")).StatusCode);

        await user.PostAsync($"/api/drafts/{drafts[0]!["id"]}/invoice", new { attachmentId = files[1] });
        await (await user.Client.GetAsync($"/api/attachments/{files[0]}")).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");

        // Folding keeps the invoice; deleting the file alone leaves the draft.
        await (await user.Client.PatchAsJsonAsync(
            $"/api/drafts/{drafts[1]!["id"]}", new { orderNumber = "A-100000001,B-200000002" })).JsonAsync();
        Assert.Equal(files[1], (string)(await user.DraftAsync())["invoiceId"]!);
        (await user.Client.DeleteAsync($"/api/attachments/{files[1]}")).EnsureSuccessStatusCode();
        Assert.Null((await user.DraftAsync())["invoiceId"]);
    }

    [Fact]
    public async Task A_file_of_another_user_is_no_invoice()
    {
        var (user, other) = (await orders.UserAsync(), await orders.UserAsync());
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001"));
        var file = await FileApi.UploadAsync(other.Client, FileApi.Pdf(), "one.pdf");

        foreach (var id in new[] { file, Guid.NewGuid().ToString(), "x" })
        {
            await (await user.Client.PostAsJsonAsync($"/api/drafts/{(await user.DraftAsync())["id"]}/invoice", new { attachmentId = id }))
                .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Fact]
    public async Task Foreign_missing_and_malformed_drafts_get_the_same_answer()
    {
        var (user, other) = (await orders.UserAsync(), await orders.UserAsync());
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001"));

        foreach (var id in new[] { (string)(await user.DraftAsync())["id"]!, Guid.NewGuid().ToString(), "x" })
        {
            Assert.Equal(
                "[not_found:drafts.getDraft] No such draft, or not yours",
                await (await other.Client.GetAsync($"/api/drafts/{id}")).RefusedAsync(HttpStatusCode.NotFound, "not_found"));
            foreach (var (function, send) in new (string, Func<Task<HttpResponseMessage>>)[]
            {
                ("drafts.updateDraft", () => other.Client.PatchAsJsonAsync($"/api/drafts/{id}", new { storeName = "x" })),
                ("drafts.confirmDraft", () => other.Client.PostAsync($"/api/drafts/{id}/confirm", null)),
                ("drafts.rejectDraft", () => other.Client.PostAsync($"/api/drafts/{id}/reject", null)),
                (
                    "drafts.uploadInvoice",
                    () => other.Client.PostAsJsonAsync($"/api/drafts/{id}/invoice", new { attachmentId = Guid.NewGuid() })),
                (
                    "preAlerts.createPackagePreAlert",
                    () => other.Client.PostAsJsonAsync("/api/pre-alerts", new { draftId = id, trackingNumber = Parcel })),
            })
            {
                Assert.StartsWith(
                    $"[forbidden:{function}] ", await (await send()).RefusedAsync(HttpStatusCode.Forbidden, "forbidden"),
                    StringComparison.Ordinal);
            }
        }

        Assert.Equal("draft", (string)(await user.DraftAsync())["status"]!);
    }

    [Fact]
    public async Task A_guest_has_no_orders_and_an_unconfirmed_user_announces_none()
    {
        var guest = await orders.Api.GuestAsync();
        var (unconfirmed, _) = await orders.Api.UserAsync($"{Guid.NewGuid():N}@elsewhere.example");

        foreach (var path in new[] { "/api/drafts", "/api/pre-alerts", "/api/evidence" })
        {
            Assert.Empty((await (await guest.GetAsync(path)).JsonAsync())["items"]!.AsArray());
            await (await orders.Api.Anyone.GetAsync(path)).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        }

        Assert.Equal(HttpStatusCode.NoContent, (await guest.GetAsync("/api/preferences")).StatusCode);
        await (await guest.PutAsJsonAsync("/api/preferences", new { })).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await guest.PostAsJsonAsync("/api/pre-alerts", new { trackingNumber = Parcel }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await unconfirmed.PostAsJsonAsync("/api/pre-alerts", new { trackingNumber = Parcel }))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task Preferences_have_defaults_and_an_omitted_one_stays()
    {
        var user = await orders.UserAsync();

        Assert.Equal(
            """{"autoCreatePreAlerts":false,"gmailSyncEnabled":true,"whatsappSyncEnabled":true,"packageStatusMails":true}""", (await user.GetAsync("/api/preferences")).ToJsonString());
        await (await user.Client.PutAsJsonAsync("/api/preferences", new { autoCreatePreAlerts = true })).JsonAsync();
        var changed = await (await user.Client.PutAsJsonAsync("/api/preferences", new { packageStatusMails = false })).JsonAsync();

        Assert.Equal("""{"autoCreatePreAlerts":true,"gmailSyncEnabled":true,"whatsappSyncEnabled":true,"packageStatusMails":false}""", changed.ToJsonString());
        Assert.Equal(changed.ToJsonString(), (await user.GetAsync("/api/preferences")).ToJsonString());
    }
}
