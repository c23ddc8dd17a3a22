using Microsoft.AspNetCore.Http.HttpResults;
using Sendcat.ApiService.Http;
using Sendcat.Reliability.Alerts;

namespace Sendcat.ApiService.Ops;

/// <summary><c>/api/ops/alerts</c>: what the Monitor has raised, and who has taken it over.</summary>
internal static class AlertOps
{
    public static void MapAlerts(this RouteGroupBuilder ops)
    {
        ops.MapGet("/alerts", ListAsync)
            .As("ops.alerts", "Alerts with the messages about them, the newest first; ?open=true for open ones", 400);
        ops.MapPost("/alerts/{id:long}/acknowledge", AcknowledgeAsync)
            .As("ops.acknowledgeAlert", "Acknowledge an alert: no reminder follows", 404);
    }

    private static async Task<Results<Ok<Page<AlertView>>, ApiError>> ListAsync(
        AlertDesk desk, string? open, string? cursor, string? limit, CancellationToken cancellationToken)
    {
        var openOnly = false;
        if (!string.IsNullOrEmpty(open) && !bool.TryParse(open, out openOnly))
        {
            return ApiError.InvalidRequest("open must be true or false");
        }

        if (!PageLimit.Read(limit, fallback: 50, max: 200).TryGet(out var count, out var refusal)
            || !OpsCursor.Read(cursor).TryGet(out var after, out refusal))
        {
            return refusal;
        }

        var alerts = await desk.ListAsync(openOnly, after.Before, count + 1, cancellationToken);
        return TypedResults.Ok(new Page<AlertView>(
            [.. alerts.Take(count).Select(AlertView.Of)], alerts.Count > count ? OpsCursor.After(alerts[count - 1].Alert.Id) : null));
    }

    private static async Task<Results<Ok<AlertView>, ApiError>> AcknowledgeAsync(
        HttpContext http, long id, AlertDesk desk, CancellationToken cancellationToken) =>
        await desk.AcknowledgeAsync(id, OpsEndpoints.By(http), cancellationToken) is { } alert
            ? TypedResults.Ok(AlertView.Of(alert))
            : ApiError.NotFound("No such alert");
}

/// <param name="Kind">See <c>docs/alerts.md</c>.</param>
/// <param name="Subject">What it is about: a bucket, a provider, a lane. Empty when there is only one of the kind.</param>
/// <param name="State"><c>raised</c>, <c>acknowledged</c> or <c>resolved</c>.</param>
/// <param name="Severity"><c>page</c> or <c>ticket</c>.</param>
/// <param name="Cause">A sentence for people.</param>
/// <param name="Command">Shows more and changes nothing.</param>
/// <param name="Over">What is seen when it is over.</param>
/// <param name="SeenAt">When its condition held last.</param>
/// <param name="Messages">Of each channel, the oldest first.</param>
internal sealed record AlertView(
    string Id, string Kind, string Subject, string State, string Severity, string Cause, string Command, string Playbook, string Over,
    double Observed, double Threshold, IReadOnlyDictionary<string, string> Tags, DateTime RaisedAt, DateTime SeenAt,
    IReadOnlyList<AlertMessageView> Messages)
{
    public DateTime? AcknowledgedAt { get; init; }

    public string? AcknowledgedBy { get; init; }

    public string? AcknowledgedReason { get; init; }

    public DateTime? ResolvedAt { get; init; }

    public static AlertView Of(AlertWithNotices row)
    {
        var alert = row.Alert;
        return new(
            OpsCursor.After(alert.Id), alert.Kind, alert.Subject,
            alert.ResolvedAt is not null ? "resolved" : alert.AcknowledgedAt is not null ? "acknowledged" : "raised",
            alert.Severity.Name(), alert.Cause, alert.Command, alert.Playbook, alert.Over, alert.Observed, alert.Threshold, alert.Tags,
            alert.RaisedAt.UtcDateTime, alert.SeenAt.UtcDateTime, [.. row.Notices.Select(AlertMessageView.Of)])
        {
            AcknowledgedAt = alert.AcknowledgedAt?.UtcDateTime,
            AcknowledgedBy = alert.AcknowledgedBy,
            AcknowledgedReason = alert.AcknowledgedReason,
            ResolvedAt = alert.ResolvedAt?.UtcDateTime,
        };
    }
}

/// <param name="Channel"><c>sentry</c> or <c>webhook</c>.</param>
/// <param name="Event"><c>raised</c>, <c>reminded</c>, <c>reopened</c> or <c>resolved</c>.</param>
/// <param name="SentAt">Absent while it is not delivered.</param>
/// <param name="Failure">Why the last attempt failed.</param>
internal sealed record AlertMessageView(
    string Channel, string Event, DateTime CreatedAt, int Attempts, DateTime? SentAt, DateTime? FailedAt, string? Failure)
{
    public static AlertMessageView Of(AlertNotice notice) => new(
        notice.Channel, notice.Event.Name(), notice.CreatedAt.UtcDateTime, notice.Attempts, notice.SentAt?.UtcDateTime,
        notice.FailedAt?.UtcDateTime, notice.Failure);
}
