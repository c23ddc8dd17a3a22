using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Providers.Catalogue;
using Sendcat.ApiService.Providers.OpenRouter;
using Sendcat.Integrations.Providers;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Knobs;

namespace Sendcat.UnitTests.Providers;

/// <summary>A fake provider that returns scripted responses to a real <see cref="ProviderRouter"/>, on a fake clock.</summary>
internal sealed class ScriptedProvider : HttpMessageHandler
{
    private readonly Queue<Func<CancellationToken, Task<HttpResponseMessage>>> _script = new();
    private readonly OpenRouterClient _client;

    public ScriptedProvider(bool captureContent = false)
    {
        Guards = new LocalGuards(Time);
        var options = new Fixed<ProviderRouteOptions>(Knobs);
        _client = new OpenRouterClient(new OpenRouterTransport(this), options, new Fixed<OpenRouterOptions>(Account), Time);
        Catalogue = new ModelCatalogue(options, Time);
        Meters = new Meters();
        Router = new ProviderRouter(
            new RoutePlan(options, new Fixed<OpenRouterOptions>(Account), new Fixed<ChatGatewayOptions>(Gateway), Catalogue), options,
            _client, Files, Guards, new GenAiTelemetry(Meters, Time, new ContentCapture(captureContent)), Time,
            new CallFailures(Time, NullLogger<CallFailures>.Instance));
    }

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));

    public ProviderRouteOptions Knobs { get; } = new() { AppUrl = "https://sendcat.example" };

    public OpenRouterOptions Account { get; } = new() { ApiKey = "key-one" };

    public ChatGatewayOptions Gateway { get; } = new() { ProviderFailoverEnabled = true };

    public LocalGuards Guards { get; }

    /// <summary>The files of requests; empty, and unavailable when a test says so.</summary>
    public MemoryFiles Store { get; } = new();

    public RequestFiles Files => new(Store, Time, NullLogger<RequestFiles>.Instance);

    public Meters Meters { get; }

    public ModelCatalogue Catalogue { get; }

    public OpenRouterClient Client => _client;

    public ProviderRouter Router { get; }

    public List<(string Uri, string Body, IReadOnlyDictionary<string, string> Headers)> Requests { get; } = [];

    public static ProviderRequest Request(string? model = null) =>
        new() { ModelId = model, Messages = [new("user", "hello")], ThreadId = "t-1", StreamId = "s-1", HeldRoute = ProviderRoute.Primary };

    public ScriptedProvider RespondsWith(params string[] sse) =>
        Enqueue(_ => Task.FromResult(Response(HttpStatusCode.OK, new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(sse))))));

    public ScriptedProvider Refuses(int status, string? retryAfter = null) => Enqueue(_ =>
    {
        var response = Response((HttpStatusCode)status, new MemoryStream("""{"error":{"code":0,"message":"secret words"}}"""u8.ToArray()));
        response.Headers.TryAddWithoutValidation("Retry-After", retryAfter ?? "");
        return Task.FromResult(response);
    });

    public ScriptedProvider FailsWith(Exception exception) => Enqueue(_ => Task.FromException<HttpResponseMessage>(exception));

    /// <summary>Never sends response headers.</summary>
    /// <returns>A task that completes when the request is cancelled.</returns>
    public Task HangsBeforeHeaders()
    {
        var cancelled = new TaskCompletionSource();
        Enqueue(async token =>
        {
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, Time, token);
            }
            finally
            {
                cancelled.TrySetResult();
            }

            throw new UnreachableException();
        });
        return cancelled.Task;
    }

    /// <summary>Sends status 200 and headers. The test writes the body.</summary>
    public LiveBody Streams()
    {
        var body = new LiveBody();
        Enqueue(_ => Task.FromResult(Response(HttpStatusCode.OK, body.Stream)));
        return body;
    }

    public async Task<(List<ProviderEvent> Events, ProviderException? Failure)> RunAsync(ProviderRequest? request = null)
    {
        var events = new List<ProviderEvent>();
        try
        {
            await foreach (var providerEvent in Router.StreamAsync(request ?? Request(), CancellationToken.None))
            {
                events.Add(providerEvent);
            }

            return (events, null);
        }
        catch (ProviderException failure)
        {
            return (events, failure);
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        Assert.Equal(request.Content?.Headers.ContentLength ?? 0, Encoding.UTF8.GetByteCount(body));
        Requests.Add(
            (request.RequestUri!.ToString(), body,
                request.Headers.ToDictionary(header => header.Key, header => string.Join(',', header.Value))));
        return await _script.Dequeue()(cancellationToken);
    }

    private ScriptedProvider Enqueue(Func<CancellationToken, Task<HttpResponseMessage>> step)
    {
        _script.Enqueue(step);
        return this;
    }

    private static HttpResponseMessage Response(HttpStatusCode status, Stream body) => new(status) { Content = new StreamContent(body) };
}

/// <summary>A response body that the test writes while the client reads it.</summary>
internal sealed class LiveBody
{
    private readonly Pipe _pipe = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LiveBody() => Stream = new DisposalTrackingStream(_pipe.Reader.AsStream(), _closed);

    public Stream Stream { get; }

    /// <summary>Completes when the reader disposes the stream.</summary>
    public Task Closed => _closed.Task;

    public async Task WriteAsync(string sse) => await _pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(sse));

    public Task EndAsync(Exception? exception = null) => _pipe.Writer.CompleteAsync(exception).AsTask();

    private sealed class DisposalTrackingStream(Stream inner, TaskCompletionSource closed) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            buffer.IsEmpty ? 0 : await inner.ReadAsync(buffer, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            closed.TrySetResult();
            base.Dispose(disposing);
        }
    }
}

/// <summary>Real in-process circuits without Redis, and bulkheads that are full when the test says so.</summary>
internal sealed class LocalGuards(TimeProvider time) : IRouteGuards
{
    private readonly Dictionary<string, Circuit> _circuits = [];

    /// <summary>Ids of the routes whose slots are held now.</summary>
    public List<string> HeldSlots { get; } = [];

    /// <summary>Guard and holder of every slot that was ever acquired.</summary>
    public List<string> AcquiredSlots { get; } = [];

    /// <summary>Route and error of every failover.</summary>
    public List<string> Failovers { get; } = [];

    /// <summary>Ids of the routes whose bulkheads are full.</summary>
    public HashSet<string> FullRoutes { get; } = [];

    public CircuitReading Circuit(string routeId) => Of(routeId).Read();

    public ValueTask<IAsyncDisposable?> AcquireSlotAsync(ProviderRoute route, string holder, CancellationToken cancellationToken)
    {
        if (FullRoutes.Contains(route.Id))
        {
            throw new ProviderFaults(route.Id).Refused(TimeSpan.FromSeconds(3), RouteRefusal.BulkheadFull);
        }

        HeldSlots.Add(route.Id);
        AcquiredSlots.Add($"{route.Guard} {holder}");
        return new(new Slot(() => HeldSlots.Remove(route.Id)));
    }

    public ValueTask<CircuitPermit?> EnterAsync(ProviderRoute route, CancellationToken cancellationToken)
    {
        var circuit = Of(route.Id);
        var entry = route.IsConfigured ? circuit.Enter() ?? circuit.Probe() : circuit.EnterWithoutProbe();
        return new(
            entry.Permit
                ?? throw new ProviderFaults(route.Id)
                    .Refused(
                        entry.RetryAfter,
                        entry.Suspended is null or Suspension.Operator ? RouteRefusal.CircuitOpen : RouteRefusal.Suspended));
    }

    public void FailedOver(ProviderRoute route, string code) => Failovers.Add($"{route.Id} {code}");

    /// <summary>The defaults of the primary route.</summary>
    private static CircuitPolicy Policy { get; } = new(5, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1));

    private Circuit Of(string routeId) => _circuits.TryGetValue(routeId, out var circuit) ? circuit
        : _circuits[routeId] = new Circuit(ProviderRoute.GuardOf(routeId), () => Policy, time, (_, _, _) => { });

    private sealed class Slot(Action release) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            release();
            return ValueTask.CompletedTask;
        }
    }
}

internal sealed class Fixed<T>(T value) : IOptionsMonitor<T>
{
    public T CurrentValue => value;

    public T Get(string? name) => value;

    public IDisposable? OnChange(Action<T, string?> listener) => null;
}

internal sealed class Meters : System.Diagnostics.Metrics.IMeterFactory
{
    public MetricCollector<double> Seconds(string instrument) => new(this, GenAiTelemetry.Name, instrument);

    public MetricCollector<long> Counts(string instrument) => new(this, GenAiTelemetry.Name, instrument);

    public System.Diagnostics.Metrics.Meter Create(System.Diagnostics.Metrics.MeterOptions options)
    {
        options.Scope = this;
        return new System.Diagnostics.Metrics.Meter(options);
    }

    public void Dispose()
    {
    }
}
