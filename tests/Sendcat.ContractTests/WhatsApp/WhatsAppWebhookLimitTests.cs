using System.Net;
using System.Security.Cryptography;

namespace Sendcat.ContractTests.WhatsApp;

/// <summary>The limits of the webhook, with settings of their own.</summary>
public sealed class WhatsAppWebhookLimitTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Only_deliveries_that_fail_authentication_are_limited()
    {
        await using var whatsApp = await WhatsAppApi.StartAsync(postgres, ("RATE_LIMIT_WHATSAPP_MAX", "3"));
        var statuses = new List<int>();
        for (var attempt = 0; attempt < 5; attempt++)
        {
            statuses.Add((int)(await whatsApp.PostAsync("{}"u8.ToArray(), "sha256=00")).StatusCode);
        }

        Assert.Equal([403, 403, 403, 429, 429], statuses);
        var authentic = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => whatsApp.PostAsync(whatsApp.Emulator.WhatsApp.Compose(new("text", "Hello")).Body)));
        Assert.All(authentic, response => Assert.Equal(200, (int)response.StatusCode));
    }

    [Fact]
    public async Task Without_secrets_nothing_is_authentic()
    {
        await using var whatsApp = await WhatsAppApi.StartAsync(postgres, ("WHATSAPP_APP_SECRET", ""), ("WHATSAPP_VERIFY_TOKEN", ""));
        var body = "{}"u8.ToArray();
        var unkeyed = $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(ReadOnlySpan<byte>.Empty, body))}";

        await (await whatsApp.PostAsync(body, unkeyed)).RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await whatsApp.Api.Anyone.GetAsync("/api/whatsapp/webhook?hub.mode=subscribe&hub.verify_token=&hub.challenge=1"))
            .RefusedAsync(HttpStatusCode.Forbidden, "forbidden");
        var (user, _) = await whatsApp.Api.UserAsync();
        await (await user.PostAsync("/api/whatsapp/linking-code", null)).RefusedAsync(HttpStatusCode.NotFound, "not_found");
    }
}
