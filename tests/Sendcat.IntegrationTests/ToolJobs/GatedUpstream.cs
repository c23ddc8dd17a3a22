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

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        bool fails;
        lock (_counting)
        {
            (Asked, AtOnce) = (Asked + 1, AtOnce + 1);
            MostAtOnce = Math.Max(MostAtOnce, AtOnce);
            fails = _failures-- > 0;
        }

        try
        {
            await _gate.WaitAsync(context.RequestAborted);
        }
        finally
        {
            lock (_counting)
            {
                AtOnce--;
            }
        }

        context.Response.StatusCode = fails ? 503 : 200;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(
            """{"organic":[{"title":"A find","link":"https://example.com/1","snippet":"Found."}],"shopping":[{"title":"A find","link":"https://example.com/1","price":"$1.00"}]}""", context.RequestAborted);
    }
}
