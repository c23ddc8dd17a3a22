using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Sendcat.UpstreamEmulator.WhatsApp;

namespace Sendcat.ContractTests.WhatsApp;

/// <summary>Linking codes and the identity of senders.</summary>
[Collection(WhatsAppCollection.Name)]
public sealed class WhatsAppLinkTests(WhatsAppFixture fixture)
{
    private readonly string _phone = WhatsAppApi.NewPhone();
    private readonly string _otherPhone = WhatsAppApi.NewPhone();

    private WhatsAppApi WhatsApp => fixture.Api;

    [Fact]
    public async Task A_code_links_the_phone_from_which_it_is_sent_and_deletion_of_the_account_ends_the_link()
    {
        var (user, _) = await WhatsApp.Api.UserAsync($"{_phone}@example.com");
        var code = await (await user.PostAsync("/api/whatsapp/linking-code", null)).JsonAsync();
        Assert.Equal(
            ((string)code["linkingCode"]!, false),
            ((string)(await StatusAsync(user))["linkingCode"]!, (bool)(await StatusAsync(user))["linked"]!));
        Assert.Equal("+1 876 555 0100", (string)code["businessNumber"]!);

        await WhatsApp.DeliverAsync(new("text", $" {((string)code["linkingCode"]!).ToLowerInvariant()} ") { From = _phone });

        Assert.Contains("is linked", Assert.Single(await WhatsApp.RepliesAsync(_phone)), StringComparison.Ordinal);
        var status = await StatusAsync(user);
        Assert.Equal((true, _phone, null), ((bool)status["linked"]!, (string)status["phoneNumber"]!, status["linkingCode"]));

        // A second code leaves the link as it is.
        await (await user.PostAsync("/api/whatsapp/linking-code", null)).JsonAsync();
        Assert.True((bool)(await StatusAsync(user))["linked"]!);

        Assert.Equal(HttpStatusCode.NoContent, (await user.DeleteAsync("/api/whatsapp")).StatusCode);
        Assert.Equal("""{"linked":false}""", (await StatusAsync(user)).ToJsonString());
        await WhatsApp.LinkAsync(user, _phone);
        using var deleted = await user.PostAsync("/api/auth/delete-account", """{"password":"correct horse 1"}""".AsJson());
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Equal(0L, await WhatsApp.Api.ScalarAsync<long>($"SELECT count(*) FROM whatsapp_links WHERE phone = '{_phone}'"));
    }

    [Fact]
    public async Task A_phone_belongs_to_one_account_and_every_code_gets_an_answer()
    {
        await WhatsApp.LinkedUserAsync(_phone);
        var (bob, _) = await WhatsApp.Api.UserAsync($"{_otherPhone}@example.com");

        Assert.Contains("another Sendcat account", await WhatsApp.LinkAsync(bob, _phone), StringComparison.Ordinal);
        Assert.False((bool)(await StatusAsync(bob))["linked"]!);
        await WhatsApp.DeliverAsync(new("text", "BCDFGH") { From = _otherPhone });
        Assert.Contains("not valid", (await WhatsApp.RepliesAsync(_otherPhone))[0], StringComparison.Ordinal);
        Assert.Contains("is linked", await WhatsApp.LinkAsync(bob, _otherPhone), StringComparison.Ordinal);
        Assert.Contains("before", await WhatsApp.LinkAsync(bob, _otherPhone), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_mistyped_code_of_an_unlinked_sender_gets_an_answer()
    {
        await WhatsApp.DeliverAsync(new("text", "Hello there") { From = _phone });
        await WhatsApp.DeliverAsync(new("text", "Hello again") { From = _phone });
        await WhatsApp.DeliverAsync(new("text", "XK0ZTB") { From = _phone });
        await WhatsApp.DeliverAsync(new("text", " xkoztb ") { From = _phone });

        var replies = await WhatsApp.RepliesAsync(_phone);
        Assert.Equal(2, replies.Count(reply => reply.Contains("not valid", StringComparison.Ordinal)));
        Assert.Single(replies, reply => reply.Contains("To link your phone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Guesses_of_a_sender_are_limited_and_the_limit_is_told_once()
    {
        var (user, _) = await WhatsApp.Api.UserAsync($"{_phone}@example.com");
        var code = (string)(await (await user.PostAsync("/api/whatsapp/linking-code", null)).JsonAsync())["linkingCode"]!;
        foreach (var guess in new[] { "BCDFGH", "BCDFGJ", "BCDFGK", "BCDFGL", "BCDFGM", code, code })
        {
            await WhatsApp.DeliverAsync(new("text", guess) { From = _phone });
            await WhatsApp.SettleAsync();
        }

        var replies = await WhatsApp.RepliesAsync(_phone);
        Assert.StartsWith("Too many", replies[0], StringComparison.Ordinal);
        Assert.Equal(5, replies.Count(reply => reply.Contains("not valid", StringComparison.Ordinal)));
        Assert.Equal(6, replies.Count);
        Assert.False((bool)(await StatusAsync(user))["linked"]!);
        Assert.Contains("is linked", await WhatsApp.LinkAsync(user, _otherPhone), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Codes_of_a_user_are_limited_and_need_a_confirmed_address()
    {
        var (user, _) = await WhatsApp.Api.UserAsync($"{_phone}@example.com");
        var (unconfirmed, _) = await WhatsApp.Api.UserAsync($"{_phone}@example.org");
        for (var code = 0; code < 5; code++)
        {
            await (await user.PostAsync("/api/whatsapp/linking-code", null)).JsonAsync();
        }

        Assert.StartsWith(
            "[rate_limited:whatsapp.requestLinkingCode]",
            await (await user.PostAsync("/api/whatsapp/linking-code", null)).RefusedAsync(HttpStatusCode.TooManyRequests, "rate_limited"),
            StringComparison.Ordinal);
        await (await unconfirmed.PostAsync("/api/whatsapp/linking-code", null)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await WhatsApp.Api.Anyone.PostAsync("/api/whatsapp/linking-code", null))
            .RefusedAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal("""{"linked":false}""", (await StatusAsync(await WhatsApp.Api.GuestAsync())).ToJsonString());
    }

    [Fact]
    public async Task The_same_person_stays_the_same_when_the_number_is_hidden_changed_or_given_to_another()
    {
        var ann = await WhatsApp.LinkedUserAsync(_phone);
        var (first, second, third) = ($"JM.1{_phone}", $"JM.2{_phone}", $"JM.3{_phone}");

        // The number and the id are seen together: the id alone is enough from now on.
        await WhatsApp.DeliverAsync(Order(1) with { From = _phone, UserId = first });
        await WhatsApp.SettleAsync();
        await WhatsApp.DeliverAsync(Order(2) with { UserId = first });
        Assert.Contains("new draft", Assert.Single(await WhatsApp.RepliesAsync(first)), StringComparison.Ordinal);
        Assert.Equal("extracted,extracted", await WhatsApp.EvidenceAsync(_phone));

        // Another person has got the number.
        await WhatsApp.DeliverAsync(Order(3) with { From = _phone, UserId = second });
        Assert.Contains("To link your phone", (await WhatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);

        // The id changes with the number.
        await PostChangeAsync($$$"""
            {"field":"user_id_update","value":{"user_id_update":
            [{"previous_user_id":"{{{first}}}","user_id":"{{{third}}}","wa_id":"{{{_otherPhone}}}"}]}}
            """);
        await WhatsApp.DeliverAsync(Order(4) with { UserId = third });
        await WhatsApp.DeliverAsync(Order(5) with { From = _otherPhone });
        await WhatsApp.SettleAsync();

        Assert.Equal(
            ("extracted,extracted,extracted,extracted", _otherPhone),
            (await WhatsApp.EvidenceAsync(_phone), (string)(await StatusAsync(ann))["phoneNumber"]!));
    }

    [Fact]
    public async Task Changes_of_a_number_may_come_in_any_order_and_before_messages_of_the_former_one()
    {
        var ann = await WhatsApp.LinkedUserAsync(_phone);
        var (third, now) = (WhatsAppApi.NewPhone(), TimeProvider.System.GetUtcNow());
        var (first, second) = (Change(_phone, _otherPhone, now.AddSeconds(-20)), Change(_otherPhone, third, now.AddSeconds(-10)));

        foreach (var change in new[] { second, first, first, second })
        {
            await PostChangeAsync(change);
        }

        Assert.Equal(third, (string)(await StatusAsync(ann))["phoneNumber"]!);
        await WhatsApp.DeliverAsync(Order(6) with { From = third });
        var (late, _) = WhatsApp.Emulator.WhatsApp.Compose(Order(7) with { From = _phone });
        (await WhatsApp.PostAsync(WhatsAppApi.SentAt(late, now.AddSeconds(-30)))).EnsureSuccessStatusCode();
        await WhatsApp.SettleAsync();
        Assert.Equal("extracted,extracted", await WhatsApp.EvidenceAsync(_phone));
        Assert.Equal(third, (string)(await StatusAsync(ann))["phoneNumber"]!);

        // Who has the former number now is somebody else.
        await WhatsApp.DeliverAsync(Order(8) with { From = _phone });
        Assert.Contains("To link your phone", (await WhatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);
    }

    private static string Change(string former, string present, DateTimeOffset at) =>
        $$$"""{"field":"messages","value":{"messages":[{"from":"{{{former}}}","id":"wamid.{{{former}}}","""
            + $$$""" "timestamp":"{{{at.ToUnixTimeSeconds()}}}","type":"system","""
            + $$$""" "system":{"type":"user_changed_number","wa_id":"{{{present}}}","body":"changed"}}]}}""";

    private static WhatsAppSample Order(int number) => new("text", $"Amazon order #112-1234567-100000{number} Total: $20.0{number}");

    private async Task PostChangeAsync(string change) =>
        (await WhatsApp.PostAsync(
            Encoding.UTF8.GetBytes(
                $$$"""{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{{{change}}}]}]}""")))
        .EnsureSuccessStatusCode();

    private static async Task<JsonNode> StatusAsync(HttpClient user) => await (await user.GetAsync("/api/whatsapp/status")).JsonAsync();
}
