using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.Slo;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/slo</c>: the service levels of all replicas, judged by the policy.</summary>
internal static class SloOps
{
    private const int DefaultMinutes = 60;
    private const int MaxMinutes = 1_440;

    /// <summary>The replicas write a minute within this time after its end. Earlier it would look like a gap.</summary>
    private static readonly TimeSpan WriteTime = TimeSpan.FromSeconds(5);

    public static void MapSlo(this RouteGroupBuilder ops) =>
        ops.MapGet("/slo", ReadAsync)
            .As("ops.slo", "Service levels: objectives, burn rates, alerts, the error budget left; ?minutes= for single minutes", 400);

    private static async Task<Results<Ok<SloView>, ApiError>> ReadAsync(
        SliStore store, IOptionsMonitor<RolloutOptions> rollout, TimeProvider time, string? minutes, CancellationToken cancellationToken)
    {
        var listed = DefaultMinutes;
        if (!string.IsNullOrEmpty(minutes)
            && !(int.TryParse(minutes, NumberStyles.None, CultureInfo.InvariantCulture, out listed) && listed is >= 1 and <= MaxMinutes))
        {
            return ApiError.InvalidRequest($"minutes must be 1 to {MaxMinutes}");
        }

        var policy = SloPolicy.Default;
        var now = time.GetUtcNow();
        var end = SliWindows.MinuteOf(now - WriteTime);
        var from = end.AddMinutes(-listed);
        var windows = await store.WindowsAsync(end, policy.WindowMinutes, cancellationToken);
        var points = await store.PointsAsync(from, end, cancellationToken);
        var reasons = await store.ReasonsAsync(from, end, cancellationToken);
        var report = SloEvaluation.Evaluate(policy, policy.TierOf(rollout.CurrentValue.CapacityTier), windows.Of);
        return TypedResults.Ok(new SloView(now.UtcDateTime, end.UtcDateTime, policy.Version, report.Tier, policy.BudgetDays)
        {
            NewestMinute = windows.Newest?.UtcDateTime,
            Objectives = [.. report.Objectives.Select(SloObjectiveView.Of)],
            Endpoints =
            [
                .. report.Endpoints.Select(endpoint => SloEndpointView.Of(
                    endpoint, points.Where(point => point.Endpoint == endpoint.Endpoint), reasons.GetValueOrDefault(endpoint.Endpoint))),
            ],
        });
    }
}
