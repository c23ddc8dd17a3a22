using System.Net.Http.Headers;
using Npgsql;

namespace Sendcat.Benchmarks.Targets;

/// <summary>A running API without a model, its database, and measured reads of its pages for operators.</summary>
internal sealed class OpsApi : IAsyncDisposable
{
    private const string Viewer = "the viewer key of this benchmark";

    private readonly SendcatApi _api;
    private readonly HttpClient _http;
    private readonly TimeProvider _clock;

    private OpsApi(SendcatApi api, TimeProvider clock)
    {
        (_api, _clock, Database) = (api, clock, NpgsqlDataSource.Create(api.Database));
        _http = new HttpClient { BaseAddress = api.Address };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Viewer);
    }

    public NpgsqlDataSource Database { get; }

    public static async Task<OpsApi> StartAsync(TimeProvider clock, CancellationToken cancellationToken) =>
        new(await SendcatApi.StartAsync(new Uri("http://127.0.0.1:1/"), ["OPS_VIEWER_KEY=" + Viewer], cancellationToken), clock);

    /// <summary>Reads a page with the viewer key.</summary>
    public async Task<(string Text, double Ms)> ReadAsync(string path, CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        var text = await _http.GetStringAsync(path, cancellationToken);
        return (text, Math.Round(_clock.GetElapsedTime(began).TotalMilliseconds, 2));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Database.DisposeAsync();
        await _api.DisposeAsync();
    }
}
