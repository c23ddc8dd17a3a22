using System.Globalization;
using System.Text;
using Sendcat.UpstreamEmulator.WhatsApp;

namespace Sendcat.ContractTests.WhatsApp;

/// <summary>From a message to evidence, a draft and a reply.</summary>
[Collection(WhatsAppCollection.Name)]
public sealed class WhatsAppMessageTests(WhatsAppFixture fixture) : IDisposable
{
    private const string Parcel = "1Z5R89390357567127";
    private const string Label = $"SHIP TO Ann, Miami\n{Parcel}\nAmazon order 112-1234567-1234567\nTotal: $49.99";

    private readonly string _phone = WhatsAppApi.NewPhone();

    private WhatsAppApi WhatsApp => fixture.Api;

    public void Dispose() => WhatsApp.Emulator.ClearRestDirections();

    [Theory]
    [InlineData("text")]
    [InlineData("image")]
    [InlineData("document")]
    public async Task A_message_becomes_a_draft_once_however_often_it_is_delivered(string kind)
    {
        await WhatsApp.LinkedUserAsync(_phone);
        var (body, _) = WhatsApp.Emulator.WhatsApp.Compose(
            new(kind, Label) { From = _phone, Caption = kind == "text" ? null : "my parcel" });

        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => WhatsApp.PostAsync(body)));

        Assert.All(responses, response => Assert.Equal(200, (int)response.StatusCode));
        Assert.Equal(19, responses.Count(response => response.Headers.Contains("X-Idempotent-Replay")));
        var replies = await WhatsApp.RepliesAsync(_phone);
        Assert.Equal(2, replies.Count);
        Assert.Contains("1 new draft", replies[0], StringComparison.Ordinal);
        Assert.Equal(
            ("extracted", 1L),
            (
                await WhatsApp.EvidenceAsync(_phone),
                await WhatsApp.ScalarAsync<long>(_phone, "SELECT count(*) FROM purchase_drafts WHERE user_id = ")));
        Assert.Equal(Parcel, await WhatsApp.ScalarAsync<string>(_phone, "SELECT tracking_number FROM draft_parcels WHERE user_id = "));
        Assert.Equal(
            0L,
            await WhatsApp.Api.ScalarAsync<long>(
                $"SELECT count(*) FROM reliability.tool_jobs WHERE tool = 'messages' AND args || principal LIKE '%{_phone}%'"));
    }

    [Fact]
    public async Task A_picture_is_a_draft_that_asks_for_confirmation_even_when_pre_alerts_are_automatic()
    {
        await WhatsApp.LinkedUserAsync(_phone);
        await PreferAsync(autoCreate: true, sync: true);

        await WhatsApp.DeliverAsync(new("image", Label) { From = _phone });
        await WhatsApp.SettleAsync();

        Assert.True(await WhatsApp.ScalarAsync<double>(_phone, "SELECT confidence FROM purchase_drafts WHERE user_id = ") < 0.7);
        Assert.Equal(0L, await WhatsApp.ScalarAsync<long>(_phone, "SELECT count(*) FROM pre_alerts WHERE user_id = "));
    }

    [Fact]
    public async Task An_unlinked_sender_is_told_once_how_to_link_and_nothing_is_read()
    {
        var before = Lookups();

        await WhatsApp.DeliverAsync(new("text", Label) { From = _phone });
        await WhatsApp.DeliverAsync(new("image", Label) { From = _phone });

        Assert.Contains("To link your phone", Assert.Single(await WhatsApp.RepliesAsync(_phone)), StringComparison.Ordinal);
        Assert.Equal(before, Lookups());
    }

    [Fact]
    public async Task A_message_that_nobody_can_read_is_answered_once_a_day_with_what_can_be_sent()
    {
        await WhatsApp.LinkedUserAsync(_phone);

        foreach (var kind in new[] { "audio", "video", "sticker", "location", "contacts", "audio" })
        {
            await WhatsApp.DeliverAsync(new(kind) { From = _phone });
        }

        var replies = await WhatsApp.RepliesAsync(_phone);
        Assert.Equal(2, replies.Count);
        Assert.StartsWith("I cannot read voice messages", replies[0], StringComparison.Ordinal);
        Assert.Equal("", await WhatsApp.EvidenceAsync(_phone));

        await WhatsApp.Api.ExecuteAsync("UPDATE whatsapp_replies SET created_at = created_at - interval '1 day'");
        await WhatsApp.DeliverAsync(new("audio") { From = _phone });
        Assert.Equal(3, (await WhatsApp.RepliesAsync(_phone)).Count);
    }

    [Fact]
    public async Task A_voice_message_of_a_sender_without_a_link_is_answered_with_how_to_link_and_a_reaction_with_nothing()
    {
        await WhatsApp.DeliverAsync(new("reaction") { From = _phone });
        Assert.Empty(await WhatsApp.RepliesAsync(_phone));

        await WhatsApp.DeliverAsync(new("audio") { From = _phone });
        await WhatsApp.DeliverAsync(new("text", Label) { From = _phone });

        Assert.Contains("To link your phone", Assert.Single(await WhatsApp.RepliesAsync(_phone)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("image")]
    [InlineData("audio")]
    public async Task Messages_of_a_user_who_switched_it_off_are_not_read(string kind)
    {
        await WhatsApp.LinkedUserAsync(_phone);
        await PreferAsync(autoCreate: true, sync: false);
        var before = Lookups();

        await WhatsApp.DeliverAsync(new(kind, Label) { From = _phone });

        Assert.Single(await WhatsApp.RepliesAsync(_phone));
        Assert.Equal(("", before), (await WhatsApp.EvidenceAsync(_phone), Lookups()));
    }

    [Theory]
    [InlineData("[[emu at=whatsapp/media message=http://169.254.169.254/latest]]", "could not get this file")]
    [InlineData("[[emu at=whatsapp/media message=https://lookaside.fbsbx.com.evil.example/x]]", "could not get this file")]
    [InlineData("[[emu at=whatsapp/media message=https://lookaside.fbsbx.com:8443/x]]", "could not get this file")]
    [InlineData("[[emu at=whatsapp/media message=https://token@lookaside.fbsbx.com/x]]", "could not get this file")]
    [InlineData("[[emu at=whatsapp/download status=302]]", "could not get this file")]
    [InlineData("[[emu at=whatsapp/media status=404]]", "could not get this file")]
    public async Task A_file_that_is_unsafe_or_gone_is_not_read_and_the_user_is_told(string fault, string reply)
    {
        await WhatsApp.LinkedUserAsync(_phone);
        WhatsApp.Emulator.DirectRest(fault);

        await WhatsApp.DeliverAsync(new("image", Label) { From = _phone });

        Assert.Contains(reply, (await WhatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);
        Assert.Equal("", await WhatsApp.EvidenceAsync(_phone));
    }

    [Fact]
    public async Task A_file_that_is_too_large_is_not_downloaded()
    {
        await WhatsApp.LinkedUserAsync(_phone);

        await WhatsApp.DeliverAsync(new("image", new string('x', 70_000)) { From = _phone });

        Assert.Contains("too large", (await WhatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_larger_than_the_lookup_says_is_not_read_and_the_user_is_told()
    {
        await WhatsApp.LinkedUserAsync(_phone);
        WhatsApp.Emulator.DirectRest("[[emu at=whatsapp/download giant=70000]]");

        await WhatsApp.DeliverAsync(new("image", Label) { From = _phone });

        Assert.Contains("too large", (await WhatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);
        Assert.Equal("", await WhatsApp.EvidenceAsync(_phone));
    }

    [Theory]
    [InlineData("[[emu at=whatsapp/media expires-in=0 times=1]]")]
    [InlineData("[[emu at=whatsapp/download status=503 times=2]]")]
    [InlineData("[[emu at=whatsapp/media status=500 times=1]]")]
    [InlineData("[[emu at=whatsapp/messages status=500 times=1]]")]
    [InlineData("[[emu at=whatsapp/messages status=429 retry-after=1 times=1]]")]
    public async Task An_expired_address_and_faults_that_pass_are_tried_again(string fault)
    {
        await WhatsApp.LinkedUserAsync(_phone);
        WhatsApp.Emulator.DirectRest(fault);

        await WhatsApp.DeliverAsync(new("image", Label) { From = _phone });

        Assert.Contains("1 new draft", (await WhatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_another_hash_than_the_delivery_says_is_never_read_and_a_right_redelivery_is()
    {
        await WhatsApp.LinkedUserAsync(_phone);
        var (body, _) = WhatsApp.Emulator.WhatsApp.Compose(new("image", Label) { From = _phone });
        var text = Encoding.UTF8.GetString(body);
        var hash = text.IndexOf("\"sha256\":\"", StringComparison.Ordinal) + 10;
        var forged = Encoding.UTF8.GetBytes(string.Concat(text.AsSpan(0, hash), text[hash] == 'A' ? "B" : "A", text.AsSpan(hash + 1)));

        (await WhatsApp.PostAsync(forged)).EnsureSuccessStatusCode();
        await WhatsApp.SettleAsync();

        Assert.Equal("dead_letter whatsapp_graph: the file has another hash", await WhatsApp.Api.ScalarAsync<string>(
            $"SELECT status || ' ' || last_error FROM reliability.tool_jobs WHERE tool = 'messages' AND principal = 'whatsapp:{_phone}'"));
        Assert.Equal("", await WhatsApp.EvidenceAsync(_phone));

        (await WhatsApp.PostAsync(body)).EnsureSuccessStatusCode();
        Assert.Contains("1 new draft", (await WhatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task States_of_sent_messages_only_advance_and_are_no_replay()
    {
        foreach (var state in new[] { "read", "sent", "delivered", "read" })
        {
            var response = await WhatsApp.PostAsync(
                WhatsApp.Emulator.WhatsApp.Compose(new("status", state) { Id = $"wamid.{_phone}" }).Body);
            Assert.Equal((200, false), ((int)response.StatusCode, response.Headers.Contains("X-Idempotent-Replay")));
        }

        Assert.Equal(3, await WhatsApp.Api.ScalarAsync<int>($"SELECT state FROM whatsapp_statuses WHERE message_id = 'wamid.{_phone}'"));
    }

    [Fact]
    public async Task Messages_to_another_number_of_the_account_are_acknowledged_and_ignored()
    {
        await WhatsApp.DeliverAsync(new("text", Label) { From = _phone, PhoneNumberId = "999" });

        Assert.Empty(await WhatsApp.RepliesAsync(_phone));
    }

    private Task PreferAsync(bool autoCreate, bool sync) => WhatsApp.Api.ExecuteAsync(
        $"""
        INSERT INTO user_preferences (user_id, auto_create_pre_alerts, gmail_sync_enabled, whatsapp_sync_enabled, package_status_mails,
            updated_at)
        SELECT id, {autoCreate}, true, {sync}, true, now() FROM users WHERE email = '{_phone}@example.com'
        """);

    /// <summary>Requests for the address of a file.</summary>
    private int Lookups() =>
        WhatsApp.Emulator.Stats.Snapshot().Upstreams.TryGetValue("whatsapp", out var routes) && routes.TryGetValue("media", out var counts)
        ? Convert.ToInt32(counts.Started, CultureInfo.InvariantCulture)
        : 0;
}
