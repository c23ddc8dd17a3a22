using Sendcat.Reliability.Outages;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// The log of model calls that failed, also of those after which another route answered: one line per minute and cause, and at level Debug
/// one per attempt.
/// </summary>
internal sealed class CallFailures(TimeProvider time, ILogger<CallFailures> logger) : IDisposable
{
    private readonly MinuteLog<Cause> _minutes =
        new(time, (cause, calls, example) => logger.CallsFailed(calls, cause.RouteId, cause.Code, cause.Status, example));

    public void Failed(string streamId, string routeId, ProviderException failure, int attempt)
    {
        var (error, refused) = (failure.Error, failure.RefusedBy?.Name());
        logger.AttemptFailed(streamId, routeId, refused ?? error.Code, error.Status, attempt);
        _minutes.Add(new(routeId, refused ?? error.Code, error.Status), streamId);
    }

    public void TriedAgain(string streamId, string routeId, TimeSpan backoff) =>
        logger.TriedAgain(streamId, routeId, (int)backoff.TotalMilliseconds);

    public void FailedOver(string streamId, string routeId, string code) => logger.FailedOver(streamId, routeId, code);

    public void Dispose() => _minutes.Dispose();

    /// <param name="Code">The code of the error, or the guard that refused the call.</param>
    private readonly record struct Cause(string RouteId, string Code, int? Status);
}
