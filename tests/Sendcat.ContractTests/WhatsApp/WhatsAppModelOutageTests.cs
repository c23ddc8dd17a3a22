using Sendcat.UpstreamEmulator.WhatsApp;

namespace Sendcat.ContractTests.WhatsApp;

/// <summary>Messages while no model answers.</summary>
public sealed class WhatsAppModelOutageTests(PostgresFixture postgres)
{
    private const int MaxAttempts = 3;

    private static readonly WhatsAppSample Order = new("text", "Amazon order #112-1234567-1000009 Total: $20.09");

    private readonly string _phone = WhatsAppApi.NewPhone();

    [Fact]
    public async Task A_message_waits_for_a_model_longer_than_its_attempts_and_is_read_then()
    {
        await using var whatsApp = await StartAsync();
        await whatsApp.LinkedUserAsync(_phone);
        whatsApp.Emulator.Direct("[[emu status=503]]");

        await whatsApp.DeliverAsync(Order with { From = _phone });
        var job = await whatsApp.Api.ScalarAsync<Guid>(
            $"SELECT id FROM reliability.tool_jobs WHERE tool = 'messages' AND principal = 'whatsapp:{_phone}'");
        for (var attempt = 1; attempt <= MaxAttempts + 1; attempt++)
        {
            await whatsApp.UntilAsync($"SELECT token = {attempt} AND status = 'queued' FROM reliability.tool_jobs WHERE id = '{job}'");
            await whatsApp.Api.ExecuteAsync($"UPDATE reliability.tool_jobs SET available_at = now() WHERE id = '{job}'");
        }

        whatsApp.Emulator.ClearDirections();
        await whatsApp.UntilAsync(
            $"SELECT status = 'queued' AND available_at > now() OR status = 'completed' FROM reliability.tool_jobs WHERE id = '{job}'");
        await whatsApp.Api.ExecuteAsync($"UPDATE reliability.tool_jobs SET available_at = now() WHERE id = '{job}' AND status = 'queued'");

        Assert.Contains("1 new draft", (await whatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);
        Assert.Equal("extracted", await whatsApp.EvidenceAsync(_phone));
    }

    [Fact]
    public async Task The_sender_of_a_message_that_waited_for_a_day_is_told()
    {
        await using var whatsApp = await StartAsync();
        await whatsApp.LinkedUserAsync(_phone);
        whatsApp.Emulator.Direct("[[emu status=503]]");
        var (body, _) = whatsApp.Emulator.WhatsApp.Compose(Order with { From = _phone });

        (await whatsApp.PostAsync(WhatsAppApi.SentAt(body, TimeProvider.System.GetUtcNow().AddHours(-25)))).EnsureSuccessStatusCode();

        Assert.Contains("could not read", (await whatsApp.RepliesAsync(_phone))[0], StringComparison.Ordinal);
        Assert.Equal("failed", await whatsApp.EvidenceAsync(_phone));
    }

    private Task<WhatsAppApi> StartAsync() =>
        WhatsAppApi.StartAsync(postgres, ("MESSAGE_MAX_ATTEMPTS", $"{MaxAttempts}"), ("CIRCUIT_EXTRACTION_THRESHOLD", "100"));
}
