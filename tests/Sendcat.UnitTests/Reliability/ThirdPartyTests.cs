using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.Reliability.Outbound;
using Sendcat.ServiceDefaults;
using Sendcat.UnitTests.ServiceDefaults;

namespace Sendcat.UnitTests.Reliability;

/// <summary>With tracing on, a call to a third-party service has a span, but its request carries no trace ids.</summary>
[Collection(SentryHub.Name)]
public sealed class ThirdPartyTests : IAsyncLifetime
{
    private static readonly string[] TraceHeaders = ["traceparent", "tracestate", "baggage", "Correlation-Context", "sentry-trace"];

    private readonly List<Activity> _spans = [];
    private WebApplication _listener = null!;
    private IHost _host = null!;
    private Dictionary<string, string>? _receivedHeaders;

    public async ValueTask InitializeAsync()
    {
        var server = WebApplication.CreateSlimBuilder();
        server.Logging.ClearProviders();
        server.WebHost.UseUrls("http://127.0.0.1:0");
        _listener = server.Build();
        _listener.Run(context =>
        {
            // Copies the headers, because the server reuses its dictionary.
            _receivedHeaders = context.Request.Headers.ToDictionary(
                header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            return context.Response.WriteAsync("{}");
        });
        await _listener.StartAsync();

        var host = Host.CreateEmptyApplicationBuilder(null);
        host.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9", ["SENTRY_DSN"] = "http://key@127.0.0.1:9/1",
            ["SENTRY_TRACES_SAMPLE_RATE"] = "1",
        });
        host.AddServiceDefaults();
        host.Services.AddOpenTelemetry().WithTracing(traces => traces.AddSource("ours").AddProcessor(new SpanCollector(_spans)));
        host.Services.AddHttpClient("third").ConfigurePrimaryHttpMessageHandler(ThirdParty.Handler);
        _host = host.Build();
        _host.Services.GetRequiredService<TracerProvider>();
    }

    public async ValueTask DisposeAsync()
    {
        _host.Dispose();
        await _listener.DisposeAsync();
    }

    [Theory]
    [InlineData("factory")]
    [InlineData("provider")]
    public async Task A_third_party_receives_no_trace_headers(string client)
    {
        using var transport = new OpenRouterTransport();
        using var invoker = client == "factory"
            ? (HttpMessageInvoker)_host.Services.GetRequiredService<IHttpClientFactory>().CreateClient("third")
            : new HttpMessageInvoker(transport.Handler, disposeHandler: false);

        await SendAsync(invoker);

        Assert.NotNull(_receivedHeaders);
        Assert.All(TraceHeaders, name => Assert.False(_receivedHeaders.ContainsKey(name), name));
        Assert.Contains(_spans, span => span.Kind is ActivityKind.Client && span.ParentId is not null);
    }

    [Fact]
    public async Task A_default_handler_sends_trace_headers()
    {
        using var client = new HttpMessageInvoker(new SocketsHttpHandler());

        await SendAsync(client);

        Assert.True(_receivedHeaders!.ContainsKey("traceparent"));
    }

    private async Task SendAsync(HttpMessageInvoker client)
    {
        using var source = new ActivitySource("ours");
        using var turn = source.StartActivity("turn")!;
        turn.TraceStateString = "sendcat=1";
        turn.AddBaggage("thread", "secret");
        Baggage.SetBaggage("thread", "secret");
        using var request = new HttpRequestMessage(HttpMethod.Get, _listener.Urls.Single());
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private sealed class SpanCollector(List<Activity> spans) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            lock (spans)
            {
                spans.Add(data);
            }
        }
    }
}
