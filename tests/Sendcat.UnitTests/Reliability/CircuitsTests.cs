using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Sendcat.Reliability.Circuits;

namespace Sendcat.UnitTests.Reliability;

/// <summary>The circuits of one process without Redis: every decision is local.</summary>
public sealed class CircuitsTests : IAsyncDisposable
{
    private const string Provider = "serper_search";

    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services;
    private readonly Circuits _circuits;

    public CircuitsTests()
    {
        _services = IsolatedProcess.Services(_time);
        _circuits = _services.GetRequiredService<Circuits>();
    }

    [Fact]
    public async Task Four_failures_open_the_circuit_and_it_reads_as_half_open_after_the_cooldown()
    {
        await OpenAsync();

        var refusal = await _circuits.EnterAsync(Provider, default);
        Assert.Null(refusal.Permit);
        Assert.Equal(TimeSpan.FromSeconds(120), refusal.RetryAfter);
        Assert.Equal("open", Read().State);

        _time.Advance(TimeSpan.FromSeconds(120));
        Assert.Equal("half_open", Read().State);
    }

    [Fact]
    public async Task A_half_open_circuit_lets_a_single_probe_through_and_closes_when_it_succeeds()
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(120));

        var probe = await _circuits.EnterAsync(Provider, default);
        Assert.True(probe.Permit!.IsProbe);
        Assert.Null((await _circuits.EnterAsync(Provider, default)).Permit);

        probe.Permit.Responded(200);
        Assert.Equal("closed", Read().State);
        Assert.NotNull((await _circuits.EnterAsync(Provider, default)).Permit);
    }

    [Fact]
    public async Task A_cancelled_probe_lets_the_next_call_probe()
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(120));

        (await _circuits.EnterAsync(Provider, default)).Permit!.Dispose();

        Assert.True((await _circuits.EnterAsync(Provider, default)).Permit!.IsProbe);
    }

    [Fact]
    public async Task A_failed_probe_reopens_the_circuit_at_once()
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(120));

        (await _circuits.EnterAsync(Provider, default)).Permit!.Failed("still down");

        Assert.Equal("open", Read().State);
        Assert.Equal("still down", Read().LastError);
    }

    [Fact]
    public async Task Cancelled_calls_and_client_errors_never_open_the_circuit()
    {
        for (var n = 0; n < 50; n++)
        {
            (await _circuits.EnterAsync(Provider, default)).Permit!.Responded(404);
            (await _circuits.EnterAsync(Provider, default)).Permit!.Dispose();
        }

        Assert.Equal("closed", Read().State);
    }

    [Fact]
    public async Task A_permit_records_only_its_first_result()
    {
        for (var n = 0; n < 3; n++)
        {
            var permit = (await _circuits.EnterAsync(Provider, default)).Permit!;
            permit.Responded(503);
            permit.Failed("counted already");
            permit.Dispose();
        }

        Assert.Equal(("closed", 3), (Read().State, Read().FailureCount));
    }

    [Theory]
    [InlineData(200, CallVerdict.Success)]
    [InlineData(302, CallVerdict.Success)]
    [InlineData(400, CallVerdict.Neutral)]
    [InlineData(401, CallVerdict.Neutral)]
    [InlineData(402, CallVerdict.Neutral)]
    [InlineData(404, CallVerdict.Neutral)]
    [InlineData(408, CallVerdict.Failure)]
    [InlineData(425, CallVerdict.Failure)]
    [InlineData(429, CallVerdict.Failure)]
    [InlineData(500, CallVerdict.Failure)]
    [InlineData(503, CallVerdict.Failure)]
    public void A_status_code_determines_the_verdict(int status, CallVerdict verdict) => Assert.Equal(verdict, StatusClass.Of(status));

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private async Task OpenAsync()
    {
        for (var n = 0; n < 4; n++)
        {
            (await _circuits.EnterAsync(Provider, default)).Permit!.Responded(503);
        }
    }

    private CircuitReading Read() => _circuits.States().Single(circuit => circuit.Provider == Provider);
}
