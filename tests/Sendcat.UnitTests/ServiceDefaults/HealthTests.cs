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
    public async Task Many_probes_ask_the_stores_once()
    {
        var clock = new FakeTimeProvider();
        var asked = 0;
        await using var program = await ProgramAsync(clock, checks => checks.AddCheck("store", () =>
        {
            asked++;
            return HealthCheckResult.Healthy();
        }));

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => program.Client.GetAsync("/health")));
        Assert.Equal(1, asked);

        clock.Advance(Readiness.CacheDuration);
        await program.Client.GetAsync("/health");
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Without_its_record_a_program_is_not_ready_but_alive()
    {
        await using var program = await ProgramAsync(new FakeTimeProvider(), checks => checks.AddCheck("PostgreSql", () => throw new InvalidOperationException("password is hunter2")));

        var ready = await program.Client.GetAsync("/health");
        var alive = await program.Client.GetAsync("/alive");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.DoesNotContain("hunter2", await ready.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
    }

    [Fact]
    public async Task Without_a_store_that_may_be_lost_a_program_is_degraded_and_ready()
    {
        const string check = ReadinessPolicy.RedisCheck;
        await using var program = await ProgramAsync(new FakeTimeProvider(), checks => checks.AddCheck(check, () => throw new InvalidOperationException()));

        var ready = await program.Client.GetAsync("/health");
        using var body = JsonDocument.Parse(await ready.Content.ReadAsStringAsync());

        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Equal("Degraded", body.RootElement.GetProperty("status").GetString());
        Assert.Equal("Degraded", body.RootElement.GetProperty("checks").GetProperty(check).GetString());
    }

    [Fact]
    public async Task A_check_that_never_answers_is_given_up_and_not_asked_again()
    {
        var clock = new FakeTimeProvider();
        var silent = new Silent();
        await using var services = new ServiceCollection().BuildServiceProvider();
        var check = new BoundedHealthCheck(_ => silent, services.GetRequiredService<IServiceScopeFactory>(), clock);
        var context = new HealthCheckContext { Registration = new HealthCheckRegistration("store", silent, HealthStatus.Unhealthy, []) };

        var first = check.CheckHealthAsync(context);
        await silent.WasAsked;
        clock.Advance(ReadinessPolicy.CheckTimeout);
        var second = check.CheckHealthAsync(context);
        clock.Advance(ReadinessPolicy.CheckTimeout);

        Assert.Equal(HealthStatus.Unhealthy, (await first).Status);
        Assert.Equal(HealthStatus.Unhealthy, (await second).Status);
        Assert.Equal(1, silent.Asked);
    }

    [Fact]
    public async Task A_store_that_was_there_may_be_slow_once_but_not_twice()
    {
        var clock = new FakeTimeProvider();
        var store = new Scripted();
        await using var services = new ServiceCollection().BuildServiceProvider();
        var check = new BoundedHealthCheck(_ => store, services.GetRequiredService<IServiceScopeFactory>(), clock);
        var context = new HealthCheckContext { Registration = new HealthCheckRegistration("store", store, HealthStatus.Unhealthy, []) };

        var seen = new List<HealthStatus>();
        foreach (var answers in new[] { true, false, true, false, false })
        {
            store.Answers = answers;
            var asked = check.CheckHealthAsync(context);
            await store.WasAskedAsync();
            if (!answers)
            {
                clock.Advance(ReadinessPolicy.CheckTimeout);
            }

            seen.Add((await asked).Status);
        }

        Assert.Equal([HealthStatus.Healthy, HealthStatus.Degraded, HealthStatus.Healthy, HealthStatus.Degraded, HealthStatus.Unhealthy], seen);
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

    /// <summary>Answers at once, or not before it is told to leave off.</summary>
    private sealed class Scripted : IHealthCheck
    {
        private readonly SemaphoreSlim asked = new(0);

        public bool Answers { get; set; }

        public Task WasAskedAsync() => asked.WaitAsync();

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            asked.Release();
            if (!Answers)
            {
                await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            }

            return HealthCheckResult.Healthy();
        }
    }

    private sealed class Silent : IHealthCheck
    {
        private readonly TaskCompletionSource first = new();
        private int asked;

        public int Asked => asked;

        public Task WasAsked => first.Task;

        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref asked);
            first.TrySetResult();
            return new TaskCompletionSource<HealthCheckResult>().Task;
        }
    }
}
