using System.Globalization;
using System.Text.Json;
using Sendcat.ApiService.Chat.Record;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Turns;

/// <summary>One step of a turn.</summary>
/// <param name="Kind">
/// <c>gate</c>, <c>start</c>, <c>route</c>, <c>failover</c>, <c>first_token</c>, <c>call_end</c>, <c>tool</c>, <c>job</c>, <c>tool_end</c>,
/// <c>end</c> or <c>now</c>.
/// </param>
/// <param name="Title">A few words for people.</param>
internal sealed record TurnEvent(DateTimeOffset At, string Kind, string Title, string? Detail = null, Guid? Job = null);

/// <summary>The steps of a turn, the oldest first.</summary>
internal static class TurnTimeline
{
    public static IReadOnlyList<TurnEvent> Of(TurnFacts facts, TurnWait? wait)
    {
        var (turn, trail) = (facts.Turn, facts.Turn.Trail);
        var events = new List<TurnEvent>();
        if (trail?.Gate is { } gate)
        {
            events.Add(Admitted(turn, gate));
        }

        events.Add(new(turn.StartedAt, "start", "Started", $"on replica {turn.ReplicaId}"));
        foreach (var call in trail?.Calls ?? [])
        {
            events.AddRange(OfCall(call));
        }

        foreach (var tool in trail?.Tools ?? [])
        {
            events.AddRange(OfTool(tool, facts));
        }

        if (turn.EndedAt is { } ended)
        {
            events.Add(End(turn, ended));
        }
        else if (wait is not null)
        {
            events.Add(new(facts.Now, "now", wait.Text, null, wait.Job));
        }

        return [.. events.OrderBy(step => step.At)];
    }

    /// <summary>Why the turn ended; null while it runs.</summary>
    public static string? EndReason(StoredTurn turn) =>
        turn.IsRunning ? null
        : turn.Trail?.End is { } end && !(end.Reason == MessageStatus.Completed && turn.Status != MessageStatus.Completed) ? end.Reason
        : turn.Status == MessageStatus.Error && turn.Trail is not null ? "replica_lost"
        : turn.Status;

    private static TurnEvent Admitted(StoredTurn turn, TrailGate gate)
    {
        var limits = string.Join(", ", gate.Limits.Select(limit =>
        {
            var used = limit.Used?.ToString(CultureInfo.InvariantCulture) ?? "?";
            var verdict = limit.Verdict is { } known ? $" {known}" : "";
            return string.Create(CultureInfo.InvariantCulture, $"{limit.Name} {used}/{limit.Max}{verdict}");
        }));
        var mode = gate.IsLocal ? $"{gate.Mode}, decided without Redis" : gate.Mode;
        return new(
            turn.StartedAt, "gate",
            string.Create(CultureInfo.InvariantCulture, $"Admitted ({mode}) after {gate.WaitedMs} ms, slot of {gate.Route}"), limits);
    }

    private static IEnumerable<TurnEvent> OfCall(TrailCall call)
    {
        foreach (var attempt in call.Attempts)
        {
            yield return new(attempt.At, "route", $"Request to {attempt.Route}", attempt.Model);
            if (attempt.Outcome is TrailAttempt.Failed or TrailAttempt.Refused && attempt.EndedAt is { } failed)
            {
                var status = attempt.Status is { } code ? string.Create(CultureInfo.InvariantCulture, $" ({code})") : "";
                yield return new(
                    failed, "failover", attempt.Outcome == TrailAttempt.Refused ? $"{attempt.Route} not tried" : $"{attempt.Route} failed",
                        $"{attempt.Code}{status}");
            }
        }

        if (call.FirstTokenAt is { } first)
        {
            yield return new(first, "first_token", "First token", $"after {TurnWait.Elapsed(first - call.At)}");
        }

        if (call.EndedAt is { } ended)
        {
            yield return new(
                ended, "call_end", "Model call ended",
                    string.Create(CultureInfo.InvariantCulture,
                    $"{call.Reason}, {call.Tokens ?? 0} tokens, {TurnWait.Elapsed(ended - call.At)}"));
        }
    }

    private static IEnumerable<TurnEvent> OfTool(TrailTool tool, TurnFacts facts)
    {
        yield return new(tool.At, "tool", $"Tool {tool.Name}", tool.Id);
        if (tool.Job is { } id)
        {
            yield return new(tool.JobAt ?? tool.At, "job", tool.Joined ? "Joined a job of another turn" : "Job enqueued", tool.Name, id);
            if (facts.Jobs.TryGetValue(id, out var job))
            {
                foreach (var step in OfJob(job))
                {
                    yield return step;
                }
            }
        }

        if (tool.EndedAt is { } ended)
        {
            string?[] words = [tool.Failed ? "failed" : null, tool.Source is { } source ? $"from {source}" : null, tool.Backpressure,
                TurnWait.Elapsed(ended - tool.At)];
            yield return new(ended, "tool_end", $"Tool {tool.Name} ended", string.Join(", ", words.OfType<string>()), tool.Job);
        }
    }

    private static IEnumerable<TurnEvent> OfJob(ToolJobRow job)
    {
        foreach (var attempt in FailedAttempts(job))
        {
            yield return new(attempt.StartedAt, "job", string.Create(CultureInfo.InvariantCulture, $"Attempt {attempt.Number} began"),
                On(job.Tool, attempt.Worker), job.Id);
            yield return new(attempt.EndedAt, "job", string.Create(CultureInfo.InvariantCulture, $"Attempt {attempt.Number} failed"),
                $"{job.Tool}: {attempt.Error}", job.Id);
        }

        if (job.Status is "running" or "completed" && job.StartedAt is { } started)
        {
            yield return new(started, "job", string.Create(CultureInfo.InvariantCulture, $"Attempt {job.Attempts} began"),
                On(job.Tool, job.LeaseOwner), job.Id);
        }

        if (job.CompletedAt is { } ended)
        {
            yield return new(
                ended, "job", $"Job {job.Status.Replace('_', ' ')}", job.Status == "completed" ? job.Tool : $"{job.Tool}: {job.LastError}",
                job.Id);
        }
    }

    private static string On(string tool, string? worker) => worker is null ? tool : $"{tool} on {worker}";

    private static IEnumerable<(int Number, DateTimeOffset StartedAt, DateTimeOffset EndedAt, string? Worker,
        string? Error)> FailedAttempts(ToolJobRow job)
    {
        using var history = JsonDocument.Parse(job.History);
        foreach (var attempt in history.RootElement.EnumerateArray())
        {
            if (attempt.TryGetProperty("startedAt", out var started) && started.TryGetDateTimeOffset(out var from)
                && attempt.TryGetProperty("endedAt", out var ended) && ended.TryGetDateTimeOffset(out var to))
            {
                yield return (
                    attempt.TryGetProperty("attempt", out var number) && number.TryGetInt32(out var n) ? n : 0, from, to,
                    attempt.TryGetProperty("worker", out var worker) ? worker.ToString() : null,
                    attempt.TryGetProperty("error", out var error) ? error.ToString() : null);
            }
        }
    }

    private static TurnEvent End(StoredTurn turn, DateTimeOffset ended)
    {
        var end = turn.Trail?.End;
        string?[] words =
        [
            end?.Code is { } code ? end.Status is { } status ? string.Create(CultureInfo.InvariantCulture, $"{code} ({status})") : code
                : null,
            end?.Route is { } route ? $"on {route}" : null,
            end is null ? null : string.Create(CultureInfo.InvariantCulture, $"{end.Tokens} tokens"),
            TurnWait.Elapsed(ended - turn.StartedAt),
        ];
        return new(ended, "end", $"Ended: {EndReason(turn)}", string.Join(", ", words.OfType<string>()));
    }
}
