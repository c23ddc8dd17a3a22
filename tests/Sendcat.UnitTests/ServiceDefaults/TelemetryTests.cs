using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Sendcat.ServiceDefaults.CrashReports;

namespace Sendcat.UnitTests.ServiceDefaults;

public sealed class TelemetryTests
{
    [Fact]
    public void Without_an_endpoint_nothing_listens()
    {
        using var host = Host(("OTEL_EXPORTER_OTLP_ENDPOINT", null));

        Assert.Null(host.Services.GetService<TracerProvider>());
        Assert.Null(host.Services.GetService<MeterProvider>());
    }

    [Fact]
    public void With_an_endpoint_traces_and_metrics_are_collected()
    {
        using var host = Host(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"));

        Assert.NotNull(host.Services.GetService<TracerProvider>());
        Assert.NotNull(host.Services.GetService<MeterProvider>());
    }

    [Theory]
    [InlineData(null, SentryReports.DefaultTracesSampleRate)]
    [InlineData("plenty", SentryReports.DefaultTracesSampleRate)]
    [InlineData("NaN", SentryReports.DefaultTracesSampleRate)]
    [InlineData("-1", 0)]
    [InlineData("0.25", 0.25)]
    [InlineData("7", 1)]
    public void The_sampled_share_is_between_none_and_all(string? setting, double share)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("SENTRY_TRACES_SAMPLE_RATE", setting)]).Build();

        Assert.Equal(share, SentryReports.TracesSampleRate(configuration));
    }

    private static IHost Host(params (string Name, string? Value)[] settings)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value)));
        builder.AddServiceDefaults();
        return builder.Build();
    }
}
