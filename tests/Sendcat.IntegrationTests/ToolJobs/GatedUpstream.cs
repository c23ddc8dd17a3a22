using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sendcat.IntegrationTests.ToolJobs;

/// <summary>Answers for the upstreams of worker processes, when the test lets it.</summary>
internal sealed class GatedUpstream : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly SemaphoreSlim _gate = new(0);
    private readonly Lock _counting = new();
    private int _failures;
    private int _answered;
    private (int AtOnce, int InAll)? _full;
    private TimeSpan _longestWait = Timeout.InfiniteTimeSpan;

    private GatedUpstream()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(AnswerAsync);
    }

    public Uri Address => new(_server.Urls.Single());

    /// <summary>Questions that wait for their answer now.</summary>
    public int AtOnce { get; private set; }

    public int MostAtOnce { get; private set; }

    public int Asked { get; private set; }

    /// <param name="failures">So many of the first questions are answered 503.</param>
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

    public void Release(int answers) => _gate.Release(answers);

    /// <summary>
    /// From now on one request is answered whenever <paramref name="atOnce"/> of them wait, or all that are left of
    /// <paramref name="inAll"/>, and every request after a second, so that none reaches the timeout of its client (7 s).
    /// </summary>
    public void ReleaseOneWhenFull(int atOnce, int inAll) => (_full, _longestWait) = ((atOnce, inAll), TimeSpan.FromSeconds(1));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        bool fails;
        lock (_counting)
        {
            (Asked, AtOnce) = (Asked + 1, AtOnce + 1);
            MostAtOnce = Math.Max(MostAtOnce, AtOnce);
            fails = _failures-- > 0;
            ReleaseIfFull();
        }

        var answered = 0;
        try
        {
            await _gate.WaitAsync(_longestWait, context.RequestAborted);
            answered = 1;
        }
        finally
        {
            lock (_counting)
            {
                (AtOnce, _answered) = (AtOnce - 1, _answered + answered);
                ReleaseIfFull();
            }
        }

        context.Response.StatusCode = fails ? 503 : 200;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(
            """{"organic":[{"title":"A find","link":"https://example.com/1","snippet":"Found."}],"shopping":[{"title":"A find","link":"https://example.com/1","price":"$1.00"}]}""", context.RequestAborted);
    }

    private void ReleaseIfFull()
    {
        if (_full is { } full && AtOnce > 0 && AtOnce >= Math.Min(full.AtOnce, full.InAll - _answered))
        {
            Release(1);
        }
    }
}
