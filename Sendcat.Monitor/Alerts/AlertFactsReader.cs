using System.Net.Http.Headers;
using System.Text.Json;
using Sendcat.Monitor.Chat;
using Sendcat.Monitor.Ops;
using Sendcat.Monitor.Watch;

namespace Sendcat.Monitor.Alerts;

/// <summary>
/// Reads what the rules judge, with the viewer key: the health of every address, and the operator's pages of one that responds.
/// </summary>
internal sealed class AlertFactsReader(ApiAddresses addresses, HttpClient http, IConfiguration configuration, TimeProvider clock)
{
    private const string ViewerKey = "OPS_VIEWER_KEY";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>The service levels are written by the minute.</summary>
    private static readonly TimeSpan SloInterval = TimeSpan.FromSeconds(30);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private (SloFacts? Facts, DateTimeOffset At) _slo = (null, DateTimeOffset.MinValue);

    public async Task<AlertFacts> ReadAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var known = await addresses.FindAsync(cancellationToken);
        var apis = await Task.WhenAll(known.Select(address => HealthAsync(address, cancellationToken)));
        var facts = new AlertFacts(now) { Apis = apis };
        if (apis.FirstOrDefault(api => api.Problem is null)?.Address is not { } responding)
        {
            return facts;
        }

        var problems = new List<string>();
        facts = facts with
        {
            Snapshot = await PageAsync<SnapshotFacts>($"api/ops/snapshot?minutes={AlertPolicy.WindowMinutes}"),
            Queue = await PageAsync<QueueFacts>("api/ops/tool-jobs?minutes=1"),
            Conditions = await PageAsync<ConditionFacts>("api/ops/conditions"),
        };
        if (now - _slo.At >= SloInterval)
        {
            _slo = (await PageAsync<SloFacts>($"api/ops/slo?minutes={AlertPolicy.WindowMinutes}"), now);
        }

        return facts with { Slo = _slo.Facts, Problem = problems.Count == 0 ? null : string.Join("; ", problems) };

        async Task<T?> PageAsync<T>(string page)
            where T : class
        {
            var (value, problem) = await GetAsync<T>(new(responding, page), isJsonAlways: false, cancellationToken);
            if (problem is not null)
            {
                problems.Add($"GET /{page.Split('?')[0]}: {problem}");
            }

            return value;
        }
    }

    /// <summary>
    /// The health check answers 503 when turns cannot start, and 403 when it is switched off: the API responds all the same.
    /// </summary>
    private async Task<ApiFact> HealthAsync(Uri address, CancellationToken cancellationToken)
    {
        var (health, problem) = await GetAsync<HealthFacts>(new(address, Wire.ChatHealth), isJsonAlways: true, cancellationToken);
        return new(address, problem, health);
    }

    /// <param name="isJsonAlways">Whether responses with another status are read as well.</param>
    private async Task<(T? Value, string? Problem)> GetAsync<T>(Uri address, bool isJsonAlways, CancellationToken cancellationToken)
        where T : class
    {
        using var deadline = new CancellationTokenSource(Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if ((configuration[ViewerKey] is { Length: > 0 } key ? key : OpsKeyFile.Find()) is { } found)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", found);
            }

            using var response = await http.SendAsync(request, either.Token);
            if (response.Content.Headers.ContentType?.MediaType == "application/json" && (isJsonAlways || response.IsSuccessStatusCode))
            {
                return (await response.Content.ReadFromJsonAsync<T>(Json, either.Token), null);
            }

            return (null, isJsonAlways ? null : $"status {(int)response.StatusCode}");
        }
        catch (JsonException)
        {
            return (null, isJsonAlways ? null : "the response is not what this Monitor expects");
        }
        catch (Exception failure)
            when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return (null, failure is OperationCanceledException ? $"no response within {Timeout.TotalSeconds:0} s" : "no connection");
        }
    }
}
