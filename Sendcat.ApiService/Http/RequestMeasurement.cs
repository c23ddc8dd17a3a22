using Sendcat.Reliability.Slo;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Records the responses of endpoints with service level objectives: of webhooks all, of the chat the refusals.
/// </summary>
internal sealed class RequestMeasurement(SliRecorder slis, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var began = time.GetTimestamp();
        await next(http);

        // Routing runs inside, and its result stays on the context.
        if (http.GetEndpoint()?.Metadata.GetMetadata<MeasuredEndpoint>() is not { } endpoint)
        {
            return;
        }

        var outcome = SliOutcomes.OfStatus(http.Response.StatusCode);
        if (outcome is SliOutcome.Served)
        {
            if (!endpoint.OnlyRefusals)
            {
                slis.Ended(endpoint.Path, new(outcome, Completion: time.GetElapsedTime(began)));
            }

            return;
        }

        slis.Ended(endpoint.Path, new(outcome, ReasonOf(http.Response)));
    }

    /// <summary>What refused: the reason of the error, else its code. Both come from small closed sets.</summary>
    private static string? ReasonOf(HttpResponse response) =>
        (string?)response.Headers[ApiError.ReasonHeader] ?? response.Headers[ApiError.CodeHeader];
}
