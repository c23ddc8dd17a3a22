using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
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
    public void Without_an_endpoint_there_are_no_telemetry_providers()
    {
        using var host = Host(("OTEL_EXPORTER_OTLP_ENDPOINT", null));

        Assert.Null(host.Services.GetService<TracerProvider>());
        Assert.Null(host.Services.GetService<MeterProvider>());
    }

    [Fact]
    public void Without_an_endpoint_the_store_clients_produce_no_traces_or_metrics()
    {
        using var host = Host(
            builder =>
            {
                builder.AddRedisClient("redis");
                builder.AddSendcatDataSource();
                builder.AddNpgsqlDbContext<DbContext>("sendcatdb");
                builder.AddRabbitMQClient("messaging");
            },
            ("OTEL_EXPORTER_OTLP_ENDPOINT", null), ("ConnectionStrings:redis", "127.0.0.1:1"),
            ("ConnectionStrings:sendcatdb", "Host=127.0.0.1;Port=1"), ("ConnectionStrings:messaging", "amqp://127.0.0.1:1"));

        Assert.Null(host.Services.GetService<TracerProvider>());
        Assert.Null(host.Services.GetService<MeterProvider>());
        foreach (var name in new[]
        {
            "Npgsql", "RabbitMQ.Client.Publisher", "RabbitMQ.Client.Subscriber", "OpenTelemetry.Instrumentation.StackExchangeRedis",
            "Sendcat.Redis", "Sendcat.Chat",
        })
        {
            using var source = new ActivitySource(name);
            Assert.False(source.HasListeners(), name);
        }
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
    public void The_sample_rate_is_between_0_and_1(string? setting, double share)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("SENTRY_TRACES_SAMPLE_RATE", setting)]).Build();

        Assert.Equal(share, SentryReports.TracesSampleRate(configuration));
    }

    private static IHost Host(params (string Name, string? Value)[] settings) => Host(_ => { }, settings);

    private static IHost Host(Action<HostApplicationBuilder> add, params (string Name, string? Value)[] settings)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value)));
        builder.AddServiceDefaults();
        add(builder);
        return builder.Build();
    }
}
