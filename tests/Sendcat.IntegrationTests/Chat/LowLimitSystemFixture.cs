using Sendcat.TestKit.Stores;

namespace Sendcat.IntegrationTests.Chat;

/// <summary>Two replicas behind a trusted proxy, with limits so low that a few requests reach them.</summary>
public sealed class LowLimitSystemFixture(SharedStores stores) : IAsyncLifetime
{
    public const int TurnsPerAddress = 4;
    public const int TurnsPerPrincipal = 3;
    public const int TokensPerPrincipal = 10_000;

    internal SendcatSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync() => System = await SendcatSystem.StartAsync(
        stores, replicas: 2, ("FF_PROVIDER_FAILOVER_ENABLED", "false"), ("BULKHEAD_OR_PRI_MAX_CONCURRENT", "1"),
        ("RATE_LIMIT_CHAT_STREAM_MAX", $"{TurnsPerPrincipal}"), ("RATE_LIMIT_CHAT_IP_MAX", $"{TurnsPerAddress}"),
        ("RATE_LIMIT_CHAT_TOKENS_MAX", $"{TokensPerPrincipal}"), ("RATE_LIMIT_CHAT_IP_WINDOW_MS", "600000"),
        ("TRUSTED_PROXIES", "127.0.0.0/8"), ("CHAT_KEEPALIVE_MS", "2000"), ("FF_CHAT_GATEWAY_HEALTH_ENABLED", "false"));

    public ValueTask DisposeAsync() => System.DisposeAsync();
}
