using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Sendcat.ContractTests.Orders;

/// <summary><c>/api/pre-alerts</c>.</summary>
public sealed class PreAlertEndpointsTests(OrdersApi orders) : IClassFixture<OrdersApi>
{
    private const string Parcel = OrdersApi.Parcel;

    [Fact]
    public async Task A_parcel_is_announced_once_and_pointed_to_the_draft_that_is_named()
    {
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001"));
        var draft = (string)(await user.DraftAsync())["id"]!;

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 5)
                .Select(_ => user.Client.PostAsJsonAsync("/api/pre-alerts", new { trackingNumber = "1z 999-aa1 0123456784" })));
        var pointed = await user.PostAsync("/api/pre-alerts", new { trackingNumber = Parcel, draftId = draft });

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        Assert.Equal(4, answers.Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Equal(
            (Parcel, "ups", "submitted", draft),
            ((string)pointed["trackingNumber"]!, (string)pointed["carrier"]!, (string)pointed["status"]!, (string)pointed["draftId"]!));
        Assert.Single(await user.ItemsAsync("/api/pre-alerts"));
        Assert.Equal("submitted", (string)(await user.DraftAsync())["parcels"]![0]!["preAlertStatus"]!);
        foreach (var wrong in new[] { "1234567", new string('1', 41), "12345678!" })
        {
            await (await user.Client.PostAsJsonAsync("/api/pre-alerts", new { trackingNumber = wrong }))
                .RefusedAsync(HttpStatusCode.BadRequest, "invalid_request");
        }
    }

    [Fact]
    public async Task A_rejected_pre_alert_stays_rejected_until_the_user_announces_its_parcel_again()
    {
        const string Other = "1Z999AA10123456111";
        var user = await orders.UserAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001", parcels: [Parcel, Other]));
        var confirm = $"/api/drafts/{(await user.DraftAsync())["id"]}/confirm";
        await user.PostAsync(confirm, new { });
        var path = $"/api/pre-alerts/{await IdAsync(user, Parcel)}/reject";

        var rejected = await user.PostAsync(path, new { });
        var again = await user.PostAsync(path, new { });
        var confirmed = await user.PostAsync(confirm, new { trackingNumbers = new[] { Parcel } });
        await user.RecordAsync("m2", ExtractedMails.Order("A-100000001", parcels: [Parcel]));

        Assert.Equal(("rejected", Parcel), ((string)rejected["status"]!, (string)rejected["trackingNumber"]!));
        Assert.Equal(rejected.ToJsonString(), again.ToJsonString());
        Assert.Equal("confirmed", (string)confirmed["status"]!);
        Assert.Equal(["submitted", "rejected"], [await StatusAsync(user, Other), await StatusAsync(user, Parcel)]);
        Assert.Equal("submitted", (string)(await user.PostAsync("/api/pre-alerts", new { trackingNumber = Parcel }))["status"]!);
    }

    [Fact]
    public async Task An_automatic_pre_alert_that_was_rejected_is_not_submitted_with_its_draft()
    {
        var user = await orders.UserAsync();
        await (await user.Client.PutAsJsonAsync("/api/preferences", new { autoCreatePreAlerts = true })).JsonAsync();
        await user.RecordAsync("m1", ExtractedMails.Order("A-100000001", parcels: [Parcel]));
        Assert.Equal("draft", await StatusAsync(user, Parcel));

        await user.PostAsync($"/api/pre-alerts/{await IdAsync(user, Parcel)}/reject", new { });
        var draft = await user.PostAsync($"/api/drafts/{(await user.DraftAsync())["id"]}/confirm", new { });

        Assert.Equal(("confirmed", "rejected"), ((string)draft["status"]!, (string)draft["parcels"]![0]!["preAlertStatus"]!));
    }

    [Fact]
    public async Task Foreign_missing_and_malformed_pre_alerts_get_the_same_answer()
    {
        var (user, other) = (await orders.UserAsync(), await orders.UserAsync());
        await user.PostAsync("/api/pre-alerts", new { trackingNumber = Parcel });

        foreach (var id in new[] { await IdAsync(user, Parcel), Guid.NewGuid().ToString(), "x" })
        {
            Assert.Equal(
                "[forbidden:preAlerts.rejectPreAlert] No such pre-alert, or not yours",
                await (await other.Client.PostAsync($"/api/pre-alerts/{id}/reject", null))
                    .RefusedAsync(HttpStatusCode.Forbidden, "forbidden"));
        }

        await (await (await orders.Api.GuestAsync()).PostAsync($"/api/pre-alerts/{await IdAsync(user, Parcel)}/reject", null))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal("submitted", await StatusAsync(user, Parcel));
    }

    private static async Task<string> IdAsync(OrdersUser user, string trackingNumber) =>
        (string)(await AlertAsync(user, trackingNumber))["id"]!;

    private static async Task<string> StatusAsync(OrdersUser user, string trackingNumber) =>
        (string)(await AlertAsync(user, trackingNumber))["status"]!;

    private static async Task<JsonNode> AlertAsync(OrdersUser user, string trackingNumber) =>
        (await user.ItemsAsync("/api/pre-alerts")).Single(alert => (string)alert!["trackingNumber"]! == trackingNumber)!;
}
