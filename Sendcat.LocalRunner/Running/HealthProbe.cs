using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sendcat.LocalRunner.Running;

/// <summary>Asks one replica whether it can be relied on.</summary>
internal sealed class HealthProbe(HealthCheckService checks) : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };

    public void Dispose() => _http.Dispose();

    /// <returns>Nothing when healthy, else why not.</returns>
    public async Task<string?> AskAsync(IResource resource, int replica, CancellationToken cancellationToken)
    {
        foreach (var check in resource.Annotations.OfType<HttpHealthCheckAnnotation>())
        {
            if (await AskHttpAsync(resource, check, replica, cancellationToken) is { } complaint)
            {
                return complaint;
            }
        }

        var keys = resource.Annotations.OfType<HealthCheckAnnotation>().Select(check => check.Key).ToHashSet(StringComparer.Ordinal);
        if (keys.Count == 0)
        {
            return null;
        }

        var report = await checks.CheckHealthAsync(registration => keys.Contains(registration.Name), cancellationToken);
        return report.Status == HealthStatus.Healthy
            ? null
            : string.Join("; ", report.Entries.Values.Where(entry => entry.Status != HealthStatus.Healthy).Select(entry => entry.Description ?? entry.Exception?.Message ?? "unhealthy"));
    }

    private async Task<string?> AskHttpAsync(IResource resource, HttpHealthCheckAnnotation check, int replica, CancellationToken cancellationToken)
    {
        var endpoint = resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(endpoint => check.EndpointName is null ? endpoint.IsHttp : endpoint.Name == check.EndpointName);
        if (endpoint is null)
        {
            return "has no HTTP endpoint to ask";
        }

        try
        {
            var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{endpoint.OwnPort(replica)}{check.Path}");
            using var response = await _http.GetAsync(new Uri(url), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return (int)response.StatusCode == check.StatusCode ? null : $"{check.Path} answers {(int)response.StatusCode}";
        }
        catch (HttpRequestException)
        {
            return $"{check.Path} does not answer";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"{check.Path} does not answer in time";
        }
    }
}
