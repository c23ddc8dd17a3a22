using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ServiceDefaults.Health;

namespace Sendcat.UnitTests.ServiceDefaults;

public sealed class HealthTests
{
    [Fact]
    public async Task Concurrent_probes_run_the_checks_once()
    {
        var clock = new FakeTimeProvider();
        var runs = 0;
        await using var program = await ProgramAsync(clock, checks => checks.AddCheck("store", () =>
        {
            runs++;
            return HealthCheckResult.Healthy();
        }));

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => program.Client.GetAsync("/health")));
        Assert.Equal(1, runs);

        clock.Advance(Readiness.CacheDuration);
        await program.Client.GetAsync("/health");
        Assert.Equal(2, runs);
    }

    [Fact]
    public async Task Without_Postgres_a_program_is_alive_but_not_ready()
    {
        await using var program = await ProgramAsync(
            new FakeTimeProvider(),
            checks => checks.AddCheck("PostgreSql", () => throw new InvalidOperationException("password is hunter2")));

        var ready = await program.Client.GetAsync("/health");
        var alive = await program.Client.GetAsync("/alive");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.DoesNotContain("hunter2", await ready.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    [Fact]
    public async Task Without_Redis_a_program_is_degraded_but_ready()
    {
        const string check = ReadinessPolicy.RedisCheck;
        await using var program = await ProgramAsync(
            new FakeTimeProvider(), checks => checks.AddCheck(check, () => throw new InvalidOperationException()));

        var ready = await program.Client.GetAsync("/health");
        using var body = JsonDocument.Parse(await ready.Content.ReadAsStringAsync());

        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Equal("Degraded", body.RootElement.GetProperty("status").GetString());
        Assert.Equal("Degraded", body.RootElement.GetProperty("checks").GetProperty(check).GetString());
    }

    [Fact]
    public async Task A_check_that_never_completes_times_out_and_is_not_started_again()
    {
        var clock = new FakeTimeProvider();
        var hanging = new HangingCheck();
        await using var services = new ServiceCollection().BuildServiceProvider();
        var check = new BoundedHealthCheck(_ => hanging, services.GetRequiredService<IServiceScopeFactory>(), clock);
        var context = new HealthCheckContext { Registration = new HealthCheckRegistration("store", hanging, HealthStatus.Unhealthy, []) };

        var first = check.CheckHealthAsync(context);
        await hanging.Started;
        clock.Advance(ReadinessPolicy.FirstCheckTimeout);
        var second = check.CheckHealthAsync(context);
        clock.Advance(ReadinessPolicy.FirstCheckTimeout);

        Assert.Equal(HealthStatus.Unhealthy, (await first).Status);
        Assert.Equal(HealthStatus.Unhealthy, (await second).Status);
        Assert.Equal(1, hanging.Starts);
    }

    [Fact]
    public async Task A_store_that_stops_responding_delays_health_by_less_than_a_second()
    {
        var clock = new FakeTimeProvider();
        var store = new SwitchableCheck { Completes = true };
        await using var services = new ServiceCollection().BuildServiceProvider();
        var check = new BoundedHealthCheck(_ => store, services.GetRequiredService<IServiceScopeFactory>(), clock);
        var context = new HealthCheckContext { Registration = new HealthCheckRegistration("store", store, HealthStatus.Unhealthy, []) };
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(context)).Status);

        store.Completes = false;
        var result = check.CheckHealthAsync(context);
        clock.Advance(TimeSpan.FromMilliseconds(999));

        Assert.Equal(HealthStatus.Degraded, (await result.WaitAsync(TimeSpan.FromSeconds(30))).Status);
    }

    [Fact]
    public async Task The_first_timeout_after_a_success_is_degraded_and_the_second_is_unhealthy()
    {
        var clock = new FakeTimeProvider();
        var store = new SwitchableCheck();
        await using var services = new ServiceCollection().BuildServiceProvider();
        var check = new BoundedHealthCheck(_ => store, services.GetRequiredService<IServiceScopeFactory>(), clock);
        var context = new HealthCheckContext { Registration = new HealthCheckRegistration("store", store, HealthStatus.Unhealthy, []) };

        var statuses = new List<HealthStatus>();
        foreach (var completes in new[] { true, false, true, false, false })
        {
            store.Completes = completes;
            var result = check.CheckHealthAsync(context);
            await store.WaitForStartAsync();
            if (!completes)
            {
                clock.Advance(ReadinessPolicy.CheckTimeout);
            }

            statuses.Add((await result).Status);
        }

        Assert.Equal(
            [HealthStatus.Healthy, HealthStatus.Degraded, HealthStatus.Healthy, HealthStatus.Degraded, HealthStatus.Unhealthy], statuses);
    }

    private static async Task<Running> ProgramAsync(TimeProvider clock, Action<IHealthChecksBuilder> register)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.WebHost.UseKestrel().UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(clock);
        builder.AddServiceDefaults();
        register(builder.Services.AddHealthChecks());
        var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new Running(app, new HttpClient { BaseAddress = new Uri(address) });
    }

    private sealed record Running(WebApplication App, HttpClient Client) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await App.DisposeAsync();
        }
    }

    /// <summary>Completes at once, or only when it is cancelled.</summary>
    private sealed class SwitchableCheck : IHealthCheck
    {
        private readonly SemaphoreSlim _started = new(0);

        public bool Completes { get; set; }

        public Task WaitForStartAsync() => _started.WaitAsync();

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            _started.Release();
            if (!Completes)
            {
                await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            }

            return HealthCheckResult.Healthy();
        }
    }

    /// <summary>Never completes and ignores cancellation.</summary>
    private sealed class HangingCheck : IHealthCheck
    {
        private readonly TaskCompletionSource _first = new();
        private int _started;

        public int Starts => _started;

        public Task Started => _first.Task;

        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _started);
            _first.TrySetResult();
            return new TaskCompletionSource<HealthCheckResult>().Task;
        }
    }
}
