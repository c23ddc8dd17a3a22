using Sendcat.ApiService.Providers;
using Sendcat.Reliability.Outages;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// The log of turns that failed: one line per minute and cause, and at level Debug one per turn. <c>./sendcat turn ID</c> shows what became
/// of a single one.
/// </summary>
internal sealed class TurnFailures(TimeProvider time, ILogger<TurnFailures> logger) : IDisposable
{
    private readonly MinuteLog<Cause> _minutes =
        new(time, (cause, turns, example) => logger.TurnsFailed(turns, cause.Code, cause.RouteId, cause.Status, example));

    public void Failed(Guid streamId, ProviderException failure)
    {
        var (error, refused) = (failure.Error, failure.RefusedBy?.Name());
        logger.TurnFailed(streamId, refused ?? error.Code, error.RouteId, error.Status);
        _minutes.Add(new(refused ?? error.Code, error.RouteId, error.Status), streamId.ToString());
    }

    /// <summary>A turn that ended before its next model call.</summary>
    /// <param name="reason">The limit that refused the call.</param>
    public void RanOutOfBudget(Guid streamId, string reason)
    {
        logger.TurnOutOfBudget(streamId, reason);
        _minutes.Add(new(reason, null, null), streamId.ToString());
    }

    public void Dispose() => _minutes.Dispose();

    /// <param name="Code">The code of the error, the guard that refused the call, or the limit.</param>
    private readonly record struct Cause(string Code, string? RouteId, int? Status);
}
