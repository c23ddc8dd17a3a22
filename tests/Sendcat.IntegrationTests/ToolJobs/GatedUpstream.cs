using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>An HTTP server for all upstreams of worker processes. It holds every response until the test releases it.</summary>
internal sealed class GatedUpstream : IAsyncDisposable
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);

    private readonly WebApplication _server;
    private readonly SemaphoreSlim _gate = new(0);
    private static readonly string[] Searches = ["/search", "/shopping"];

    private readonly Lock _counting = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _failures;
    private int _responses;
    private (int Concurrent, int Total)? _full;
    private TimeSpan _maxHold = Timeout.InfiniteTimeSpan;

    private GatedUpstream()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(RespondAsync);
    }

    public Uri Address => new(_server.Urls.Single());

    /// <summary>The number of requests that wait for their response now.</summary>
    public int Concurrent { get; private set; }

    /// <summary>The maximum of <see cref="Concurrent"/> so far.</summary>
    public int MaxConcurrent { get; private set; }

    /// <summary>The number of all requests so far.</summary>
    public int Received { get; private set; }

    /// <param name="open">True: no response is held.</param>
    /// <param name="failures">The number of requests, from the first, that get status 503.</param>
    public static async Task<GatedUpstream> StartAsync(bool open = false, int failures = 0)
    {
        var upstream = new GatedUpstream { _failures = failures };
        if (open)
        {
            upstream.Release(1_000_000);
        }

        await upstream._server.StartAsync();
        return upstream;
    }

    /// <summary>Releases this many responses, also of requests that arrive later.</summary>
    public void Release(int responses) => _gate.Release(responses);

    /// <summary>
    /// From now on one response is released whenever <paramref name="concurrent"/> requests wait, or all that are left of
    /// <paramref name="total"/>. Every response is released after one second, so that no request reaches the timeout of its client (7 s).
    /// </summary>
    public void ReleaseOneWhenFull(int concurrent, int total) => (_full, _maxHold) = ((concurrent, total), TimeSpan.FromSeconds(1));

    /// <summary>Waits until the condition is true. It is evaluated now and whenever a counter changes.</summary>
    /// <exception cref="TimeoutException">The condition was not true for 60 s after the last change.</exception>
    public async Task WaitForAsync(Func<GatedUpstream, bool> condition)
    {
        while (true)
        {
            Task changed;
            lock (_counting)
            {
                if (condition(this))
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(MaxWait);
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task RespondAsync(HttpContext context)
    {
        if (!Searches.Contains(context.Request.Path.Value))
        {
            // A worker also fetches eBay's categories, at a time of its own.
            context.Response.StatusCode = 404;
            return;
        }

        bool fails;
        lock (_counting)
        {
            (Received, Concurrent) = (Received + 1, Concurrent + 1);
            MaxConcurrent = Math.Max(MaxConcurrent, Concurrent);
            fails = _failures-- > 0;
            ReleaseIfFull();
            SignalChange();
        }

        var responses = 0;
        try
        {
            await _gate.WaitAsync(_maxHold, context.RequestAborted);
            responses = 1;
        }
        finally
        {
            lock (_counting)
            {
                (Concurrent, _responses) = (Concurrent - 1, _responses + responses);
                ReleaseIfFull();
                SignalChange();
            }
        }

        context.Response.StatusCode = fails ? 503 : 200;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(
            """
            {"organic":[{"title":"A find","link":"https://example.com/1","snippet":"Found."}],
             "shopping":[{"title":"A find","link":"https://example.com/1","price":"$1.00"}]}
            """,
            context.RequestAborted);
    }

    /// <summary>Call it while holding <see cref="_counting"/>.</summary>
    private void ReleaseIfFull()
    {
        if (_full is { } full && Concurrent > 0 && Concurrent >= Math.Min(full.Concurrent, full.Total - _responses))
        {
            Release(1);
        }
    }

    /// <summary>Call it while holding <see cref="_counting"/>.</summary>
    private void SignalChange()
    {
        _changed.SetResult();
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
