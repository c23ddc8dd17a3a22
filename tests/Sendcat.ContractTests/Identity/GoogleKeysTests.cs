using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Sendcat.Integrations;
using Sendcat.Integrations.Google;
using Sendcat.Reliability;
using Sendcat.UpstreamEmulator;
using StackExchange.Redis;

namespace Sendcat.ContractTests.Identity;

/// <summary>The cache of the keys that sign Google's tokens.</summary>
public sealed class GoogleKeysTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private UpstreamEmulatorHost _google = null!;
    private ServiceProvider _services = null!;

    private GoogleKeys Keys => _services.GetRequiredService<GoogleKeys>();

    private int Requests => _google.Requests.Count(request => request.Path.EndsWith("/certs", StringComparison.Ordinal));

    public async ValueTask InitializeAsync()
    {
        _google = await UpstreamEmulatorHost.StartAsync();
        var settings = new Dictionary<string, string?>
        {
            ["GOOGLE_JWKS_URL"] = _google.GoogleKeys.ToString(), ["REDIS_DECISION_TIMEOUT_MS"] = "1000",
        };
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<TimeProvider>(_clock)
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
            .AddSingleton(NpgsqlDataSource.Create("Host=127.0.0.1;Port=1"));
        services.AddSingleton<IConnectionMultiplexer>(await ConnectionMultiplexer.ConnectAsync(postgres.CreateRedis()));
        _services = services.AddReliability().AddIntegrations().AddGoogle().BuildServiceProvider();
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _google.DisposeAsync();
    }

    [Fact]
    public async Task Concurrent_callers_share_one_request_and_the_keys_are_read_again_after_an_hour()
    {
        var found = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => Keys.FindAsync(_google.GoogleKeyId, CancellationToken.None).AsTask()));

        Assert.All(found, one => Assert.NotNull(one.Key));
        Assert.Equal(1, Requests);
        _clock.Advance(TimeSpan.FromMinutes(59));
        await IsFoundAsync();
        Assert.Equal(1, Requests);
        _clock.Advance(TimeSpan.FromMinutes(2));
        await IsFoundAsync();
        Assert.Equal(2, Requests);
    }

    [Fact]
    public async Task A_new_key_is_found_at_once_and_unknown_ones_cause_at_most_one_request_a_minute()
    {
        await IsFoundAsync();
        _google.RotateGoogleKeys();
        await IsFoundAsync();
        Assert.Equal(2, Requests);

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal((null, null), await Keys.FindAsync($"forged-{i}", CancellationToken.None));
        }

        Assert.Equal(2, Requests);
        _clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Null((await Keys.FindAsync("forged", CancellationToken.None)).Key);
        Assert.Equal(3, Requests);
    }

    [Fact]
    public async Task While_Google_is_away_the_known_keys_are_used_for_a_day()
    {
        await IsFoundAsync();
        _google.DirectRest("[[emu at=google/certs body=html]]");

        _clock.Advance(TimeSpan.FromHours(23));
        await IsFoundAsync();
        await IsFoundAsync();
        Assert.Equal(2, Requests);

        _clock.Advance(TimeSpan.FromHours(2));
        Assert.NotNull((await Keys.FindAsync(_google.GoogleKeyId, CancellationToken.None)).Error);
        _google.ClearRestDirections();
        _clock.Advance(TimeSpan.FromSeconds(5));
        await IsFoundAsync();
    }

    [Fact]
    public async Task Without_keys_a_failed_request_is_repeated_at_most_every_five_seconds()
    {
        _google.DirectRest("[[emu at=google/certs body=html]]");
        Assert.NotNull((await Keys.FindAsync(_google.GoogleKeyId, CancellationToken.None)).Error);
        var failed = Requests;

        Assert.All(
            await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Keys.FindAsync(_google.GoogleKeyId, CancellationToken.None).AsTask())),
            one => Assert.NotNull(one.Error));
        Assert.Equal(failed, Requests);

        _google.ClearRestDirections();
        _clock.Advance(TimeSpan.FromSeconds(5));
        await IsFoundAsync();
        Assert.Equal(failed + 1, Requests);
    }

    private async Task IsFoundAsync() => Assert.NotNull((await Keys.FindAsync(_google.GoogleKeyId, CancellationToken.None)).Key);
}
