using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Sendcat.UpstreamEmulator.Resend;

namespace Sendcat.ContractTests.Orders;

/// <summary>The feed of the warehouse: owners, order of reports, mails.</summary>
public sealed class PackageFeedTests(OrdersApi orders) : IClassFixture<OrdersApi>
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly string _number = OrdersApi.NewNumber();

    [Fact]
    public async Task A_reported_package_belongs_to_the_user_who_announced_it_and_each_change_is_mailed_once()
    {
        var user = await orders.UserAsync();
        await user.RecordAsync(
            "m1", ExtractedMails.Order("A-100000001", merchant: "shop.example", items: "Kettle <b>", parcels: [_number]));
        await user.PostAsync($"/api/drafts/{(await user.DraftAsync())["id"]}/confirm", new { });

        var arrived = await orders.ReportAsync(
            new { trackingNumber = _number, status = "warehouse", updatedAt = Noon, weight = 2.5, location = "Miami" });
        var repeated = await orders.ReportAsync(
            new { trackingNumber = _number, status = "warehouse", updatedAt = Noon, weight = 2.5, location = "Miami" });
        var ready = await orders.ReportAsync(
            new { trackingNumber = _number, status = "ready_for_pickup", updatedAt = Noon.AddDays(2), cost = 4500 });
        var late = await orders.ReportAsync(
            new { trackingNumber = _number, status = "in_transit", updatedAt = Noon.AddDays(1), location = "At sea" });

        Assert.Equal("""{"received":1,"updated":0,"claimed":1,"unclaimed":0,"stale":0,"rejected":[]}""", arrived.ToJsonString());
        Assert.Equal("""{"received":1,"updated":1,"claimed":0,"unclaimed":0,"stale":0,"rejected":[]}""", repeated.ToJsonString());
        Assert.Equal("""{"received":1,"updated":0,"claimed":0,"unclaimed":0,"stale":1,"rejected":[]}""", late.ToJsonString());
        Assert.Equal(ready.ToJsonString(), repeated.ToJsonString());
        var package = Assert.Single(await user.ItemsAsync("/api/packages"))!;
        Assert.Equal(
            ("ready_for_pickup", 2.5m, 4500m, "Miami", "shop.example", "Kettle <b>"),
            (
                (string)package["status"]!, (decimal)package["weight"]!, (decimal)package["cost"]!, (string)package["location"]!,
                (string)package["merchant"]!, (string)package["description"]!));
        var mails = await MailsToAsync(user);
        Assert.Equal(["Your package is in our warehouse", "Your package is ready for pickup"], mails.Select(mail => mail.Subject));
        Assert.Contains($"Tracking number: {_number}", mails[0].Text!, StringComparison.Ordinal);
        Assert.Contains("Kettle &lt;b&gt;", mails[0].Html!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_package_that_nobody_announced_waits_for_the_first_who_does()
    {
        var (user, other) = (await orders.UserAsync(), await orders.UserAsync());
        await (await user.Client.PutAsJsonAsync("/api/preferences", new { packageStatusMails = false })).JsonAsync();

        var report = await orders.ReportAsync(
            new { trackingNumber = _number, status = "warehouse", updatedAt = Noon, merchant = "Shein", description = "Dress" });
        var unclaimed = await UnclaimedAsync();
        await user.PostAsync("/api/pre-alerts", new { trackingNumber = _number });
        await other.PostAsync("/api/pre-alerts", new { trackingNumber = _number });
        await orders.ReportAsync(new { trackingNumber = _number, status = "in_transit", updatedAt = Noon.AddDays(1) });

        Assert.Equal(1, (int)report["unclaimed"]!);
        Assert.Contains(_number, unclaimed);
        Assert.DoesNotContain(_number, await UnclaimedAsync());
        var package = Assert.Single(await user.ItemsAsync("/api/packages"))!;
        Assert.Equal(
            ("in_transit", "Shein", "Dress"), ((string)package["status"]!, (string)package["merchant"]!, (string)package["description"]!));
        Assert.Empty(await other.ItemsAsync("/api/packages"));
        Assert.Empty(await MailsToAsync(user));
        Assert.Empty(await MailsToAsync(other));
    }

    [Fact]
    public async Task Reports_and_announcements_at_the_same_time_miss_each_other_never()
    {
        var user = await orders.UserAsync();
        var numbers = Enumerable.Range(0, 20).Select(_ => OrdersApi.NewNumber()).ToArray();

        await Task.WhenAll(numbers.SelectMany(number => new Task[]
        {
            orders.ReportAsync(new { trackingNumber = number, status = "warehouse", updatedAt = Noon }),
            orders.ReportAsync(new { trackingNumber = number, status = "delivered", updatedAt = Noon.AddDays(3) }),
            user.PostAsync("/api/pre-alerts", new { trackingNumber = number }),
        }));

        Assert.Equal(20, (await user.ItemsAsync("/api/packages?status=delivered&limit=100")).Count);
    }

    [Fact]
    public async Task A_rejected_pre_alert_claims_no_package_and_that_of_a_received_parcel_cannot_be_rejected()
    {
        var (user, other) = (await orders.UserAsync(), await orders.UserAsync());
        var rejected = (string)(await user.PostAsync("/api/pre-alerts", new { trackingNumber = _number }))["id"]!;
        await user.PostAsync($"/api/pre-alerts/{rejected}/reject", new { });

        var report = await orders.ReportAsync(new { trackingNumber = _number, status = "warehouse", updatedAt = Noon });
        var claiming = (string)(await other.PostAsync("/api/pre-alerts", new { trackingNumber = _number }))["id"]!;
        var refused = await other.Client.PostAsync($"/api/pre-alerts/{claiming}/reject", null);

        Assert.Equal(1, (int)report["unclaimed"]!);
        Assert.Equal(
            "[conflict:preAlerts.rejectPreAlert] The warehouse has received the parcel",
            await refused.RefusedAsync(HttpStatusCode.Conflict, "conflict"));
        Assert.Equal("parcel_received", Assert.Single(refused.Headers.GetValues("x-sendcat-error-reason")));
        Assert.Empty(await user.ItemsAsync("/api/packages"));
        Assert.Single(await other.ItemsAsync("/api/packages"));
        Assert.Equal("submitted", (string)Assert.Single(await other.ItemsAsync("/api/pre-alerts"))!["status"]!);
    }

    [Fact]
    public async Task Of_a_report_and_a_rejection_at_the_same_time_one_comes_first()
    {
        var user = await orders.UserAsync();
        for (var n = 0; n < 10; n++)
        {
            var number = OrdersApi.NewNumber();
            var id = (string)(await user.PostAsync("/api/pre-alerts", new { trackingNumber = number }))["id"]!;

            var reporting = orders.ReportAsync(new { trackingNumber = number, status = "warehouse", updatedAt = Noon });
            using var rejection = await user.Client.PostAsync($"/api/pre-alerts/{id}/reject", null);
            await reporting;

            var isOwned = (await user.ItemsAsync("/api/packages?limit=100")).Any(package => (string)package!["trackingNumber"]! == number);
            Assert.Equal(isOwned ? HttpStatusCode.Conflict : HttpStatusCode.OK, rejection.StatusCode);
        }
    }

    [Fact]
    public async Task A_feed_may_be_CSV_and_wrong_rows_are_named_while_the_others_count()
    {
        var user = await orders.UserAsync();
        await user.PostAsync("/api/pre-alerts", new { trackingNumber = _number });
        var csv = $"""
            Tracking Number,status,updated_at,Weight,location,Shelf
            {_number},warehouse,2026-03-01T12:00:00Z,2.5,"Miami, ""B"" hall",7
            {_number},in_transit,2026-03-02T12:00:00Z,,,
            short,warehouse,,,,
            {OrdersApi.NewNumber()},lost,,,,
            {OrdersApi.NewNumber()},warehouse,,heavy,,
            {OrdersApi.NewNumber()},warehouse,2999-01-01T00:00:00Z,,,
            {OrdersApi.NewNumber()},warehouse,03/04/2026,,,
            """;

        using var body = new StringContent(csv, Encoding.UTF8, "text/csv");
        var result = await (await orders.Api.WithBearer(SendcatApi.OpsKey).PostAsync("/api/ops/packages", body)).JsonAsync();

        Assert.Equal((7, 1, 1), ((int)result["received"]!, (int)result["claimed"]!, (int)result["stale"]!));
        Assert.Equal([3, 4, 5, 6, 7], result["rejected"]!.AsArray().Select(row => (int)row!["row"]!));
        var package = Assert.Single(await user.ItemsAsync("/api/packages"))!;
        Assert.Equal("in_transit", (string)package["status"]!);
    }

    [Theory]
    [InlineData("text/csv", "", HttpStatusCode.BadRequest)]
    [InlineData("text/csv", "number,state\n1,2", HttpStatusCode.BadRequest)]
    [InlineData("text/csv", "trackingNumber,status\n", HttpStatusCode.BadRequest)]
    [InlineData("text/csv", "trackingNumber,status,description\n1Z999AA10123456784,warehouse,\"12 inch\n1Z5R89390357567127,warehouse,\n", HttpStatusCode.BadRequest)]
    [InlineData("application/json", """{"packages":[]}""", HttpStatusCode.BadRequest)]
    [InlineData("application/json", """{"packages":[null]}""", HttpStatusCode.BadRequest)]
    [InlineData("text/plain", "x", HttpStatusCode.UnsupportedMediaType)]
    public async Task A_feed_without_packages_is_refused(string type, string body, HttpStatusCode status)
    {
        using var content = new StringContent(body, Encoding.UTF8, type);
        using var response = await orders.Api.WithBearer(SendcatApi.OpsKey).PostAsync("/api/ops/packages", content);

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task Only_operators_report_packages()
    {
        var user = await orders.UserAsync();

        await (await user.Client.PostAsJsonAsync("/api/ops/packages", new { packages = Array.Empty<object>() }))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        await (await orders.Api.Anyone.GetAsync("/api/ops/packages")).RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    private async Task<string[]> UnclaimedAsync()
    {
        var page = await (await orders.Api.WithBearer(SendcatApi.OpsKey).GetAsync("/api/ops/packages?limit=500")).JsonAsync();
        return [.. page["items"]!.AsArray().Select(package => (string)package!["trackingNumber"]!)];
    }

    /// <summary>All mails to the user about packages, the oldest first.</summary>
    private async Task<ReceivedMail[]> MailsToAsync(OrdersUser user)
    {
        await orders.Mails.SettleAsync();
        return [.. orders.Mails.Resend.Mails.Where(
            mail => mail.To.Contains(user.Email) && mail.Subject.StartsWith("Your package", StringComparison.Ordinal)).Reverse()];
    }
}
