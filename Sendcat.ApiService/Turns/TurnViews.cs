using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Ops;
using Sendcat.Reliability.Events;

namespace Sendcat.ApiService.Turns;

/// <summary>A turn in a list.</summary>
/// <param name="StreamId">The id as clients see it.</param>
/// <param name="Principal">Masked.</param>
/// <param name="Model">The model of its last message.</param>
/// <param name="Status"><c>streaming</c>, <c>completed</c>, <c>error</c> or <c>aborted</c>.</param>
/// <param name="DurationMs">So far, while it runs.</param>
/// <param name="FirstTokenMs">From the start of the turn; absent before the first token.</param>
/// <param name="EndReason">
/// <c>completed</c>, <c>failed</c>, <c>user_abort</c>, <c>client_gone</c>, <c>superseded</c>, <c>time_limit</c>, <c>host_stopping</c>,
/// <c>disowned</c>, <c>repeated</c>, <c>thread_deleted</c>, <c>replica_lost</c>, or the status of a turn of an earlier version.
/// </param>
/// <param name="Tokens">Of all model calls, as counted or estimated; absent while it runs.</param>
internal sealed record TurnRow(
    Guid Id, string StreamId, Guid ThreadId, Guid MessageId, string Principal, string? Model, string Status, DateTime StartedAt,
        DateTime? EndedAt,
    long DurationMs, long? FirstTokenMs, string? EndReason, long? Tokens, decimal? CostUsd, string? TraceId, Guid ReplicaId)
{
    private const decimal MicroPerUnit = 1_000_000;

    public static TurnRow Of(StoredTurn turn, DateTimeOffset now) => new(
        turn.Id, StreamIds.Format(turn.Id), turn.ThreadId, turn.MessageId, PrincipalMask.Of(turn.Principal), turn.Model, turn.Status,
        turn.StartedAt.UtcDateTime, turn.EndedAt?.UtcDateTime, Milliseconds((turn.EndedAt ?? now) - turn.StartedAt),
        turn.FirstTokenAt is { } first ? Milliseconds(first - turn.StartedAt) : null, TurnTimeline.EndReason(turn), turn.Trail?.End?.Tokens,
        turn.Trail?.End is { } end ? end.MicroUsd / MicroPerUnit : null, turn.TraceId?.ToString("N"), turn.ReplicaId);

    /// <summary>Not below zero: the clocks of two machines may differ.</summary>
    public static long Milliseconds(TimeSpan time) => (long)Math.Max(0, time.TotalMilliseconds);
}

/// <summary>A turn as a timeline.</summary>
/// <param name="UserMessageId">The user message that it answers.</param>
/// <param name="ReplicaLives">The replica that ran it sends heartbeats.</param>
/// <param name="ErrorCode">The error code that the client got.</param>
/// <param name="WaitsFor">Present while it runs.</param>
/// <param name="Gate">How it was admitted; absent for a turn of an earlier version.</param>
/// <param name="Events">The steps, the oldest first.</param>
internal sealed record TurnView(
    Guid Id, string StreamId, Guid ThreadId, Guid MessageId, Guid? UserMessageId, string Principal, string? Model, string Status,
        DateTime StartedAt,
    DateTime? EndedAt, long DurationMs, long? FirstTokenMs, string? EndReason, string? ErrorCode, long? Tokens, decimal? CostUsd,
        string? TraceId,
    Guid ReplicaId, bool ReplicaLives, TurnWaitView? WaitsFor, TurnGateView? Gate, IReadOnlyList<TurnCallView> Calls,
    IReadOnlyList<TurnToolView> Tools, IReadOnlyList<TurnEventView> Events)
{
    public static TurnView Of(TurnFacts facts)
    {
        var (turn, wait) = (facts.Turn, TurnWait.Of(facts));
        var row = TurnRow.Of(turn, facts.Now);
        return new(
            row.Id, row.StreamId, row.ThreadId, row.MessageId, turn.UserMessageId, row.Principal, row.Model, row.Status, row.StartedAt,
                row.EndedAt,
            row.DurationMs, row.FirstTokenMs, row.EndReason, turn.Trail?.End?.Code, row.Tokens, row.CostUsd, row.TraceId, row.ReplicaId,
                turn.ReplicaLives,
            wait is null ? null : TurnWaitView.Of(wait, facts.Now), turn.Trail?.Gate is { } gate ? TurnGateView.Of(gate) : null,
            [.. (turn.Trail?.Calls ?? []).Select(TurnCallView.Of)],
                [.. (turn.Trail?.Tools ?? []).Select(tool => TurnToolView.Of(tool, facts))],
            [.. TurnTimeline.Of(facts, wait).Select(step => TurnEventView.Of(step, turn.StartedAt))]);
    }
}

/// <summary>What a running turn waits for now.</summary>
/// <param name="Kind">
/// <c>start</c>, <c>provider</c>, <c>first_token</c>, <c>text</c>, <c>tool_job</c>, <c>tool</c>, <c>reader</c>, <c>commit</c> or
/// <c>dead_replica</c>.
/// </param>
/// <param name="Text">A sentence for people.</param>
/// <param name="Provider">The provider whose circuit is not closed.</param>
/// <param name="Position">Due jobs of the lane before the job.</param>
internal sealed record TurnWaitView(
    string Kind, string Text, DateTime Since, long ForMs, string? Route, string? Provider, string? Tool, Guid? JobId, int? Position,
        string? Lane)
{
    public static TurnWaitView Of(TurnWait wait, DateTimeOffset now) => new(
        wait.Kind, wait.Text, wait.Since.UtcDateTime, TurnRow.Milliseconds(now - wait.Since), wait.Route, wait.Provider, wait.Tool,
            wait.Job, wait.Position,
        wait.Lane);
}

/// <param name="Mode"><c>enforce</c>, <c>shadow</c> or <c>disabled</c>.</param>
/// <param name="Local">Redis was unavailable: the replica decided alone.</param>
/// <param name="HeldRoute">The route of which the turn held a slot.</param>
internal sealed record TurnGateView(string Mode, bool Local, string HeldRoute, int WaitedMs, IReadOnlyList<TurnLimitView> Dimensions)
{
    public static TurnGateView Of(TrailGate gate) => new(
        gate.Mode, gate.IsLocal, gate.Route, gate.WaitedMs,
        [.. gate.Limits.Select(limit => new TurnLimitView(limit.Name, limit.Verdict ?? "passed", limit.Used, limit.Max))]);
}

/// <param name="Verdict"><c>passed</c>; <c>over</c>: over a limit that is not enforced; <c>would_block</c>: in enforce mode.</param>
/// <param name="Used">Slots or units in use before the turn.</param>
internal sealed record TurnLimitView(string Name, string Verdict, int? Used, int Limit);

internal sealed record TurnCallView(
    int Step, DateTime At, DateTime? EndedAt, string? Route, string? Model, long? FirstTokenMs, string? FinishReason, long? Tokens,
    IReadOnlyList<TurnAttemptView> Attempts)
{
    public static TurnCallView Of(TrailCall call, int step)
    {
        var answers = call.Attempts.LastOrDefault();
        return new(
            step, call.At.UtcDateTime, call.EndedAt?.UtcDateTime, answers?.Route, answers?.Model,
            call.FirstTokenAt is { } first ? TurnRow.Milliseconds(first - call.At) : null, call.Reason, call.Tokens,
            [.. call.Attempts.Select(attempt =>
                new TurnAttemptView(attempt.At.UtcDateTime, attempt.EndedAt?.UtcDateTime, attempt.Route, attempt.Model, attempt.Outcome,
                attempt.Code, attempt.Status))]);
    }
}

/// <param name="EndedAt">When the provider responded, or the attempt failed.</param>
/// <param name="Outcome"><c>chosen</c>, <c>failed</c>, or <c>refused</c> by a guard; absent while it waits for the provider.</param>
/// <param name="Code">The error code, or the guard: <c>circuit_open</c>, <c>bulkhead_full</c>, <c>suspended</c>.</param>
internal sealed record TurnAttemptView(DateTime At, DateTime? EndedAt, string Route, string Model, string? Outcome, string? Code,
    int? Status);

/// <param name="Source"><c>cache</c>, <c>job</c>, <c>stale_cache</c> or <c>none</c>; absent for a tool that does not search.</param>
/// <param name="Backpressure"><c>queue_saturated</c>, <c>queue_timeout</c> or <c>dead_letter</c>.</param>
/// <param name="Joined">Another turn had enqueued the job.</param>
/// <param name="Job">Absent when there was none, or when it has been deleted after its retention time.</param>
internal sealed record TurnToolView(
    string CallId, string Name, DateTime At, DateTime? EndedAt, string? Source, bool Failed, string? Backpressure, Guid? JobId,
        bool Joined, ToolJobView? Job)
{
    public static TurnToolView Of(TrailTool tool, TurnFacts facts) => new(
        tool.Id, tool.Name, tool.At.UtcDateTime, tool.EndedAt?.UtcDateTime, tool.Source, tool.Failed, tool.Backpressure, tool.Job,
            tool.Joined,
        tool.Job is { } id && facts.Jobs.TryGetValue(id, out var job)
            ? ToolJobView.Of(job with { Principal = PrincipalMask.Of(job.Principal) }) : null);
}

/// <param name="OffsetMs">From the start of the turn.</param>
/// <param name="Kind">
/// <c>gate</c>, <c>start</c>, <c>route</c>, <c>failover</c>, <c>first_token</c>, <c>call_end</c>, <c>tool</c>, <c>job</c>, <c>tool_end</c>,
/// <c>end</c> or <c>now</c>.
/// </param>
internal sealed record TurnEventView(DateTime At, long OffsetMs, string Kind, string Title, string? Detail, Guid? JobId)
{
    public static TurnEventView Of(TurnEvent step, DateTimeOffset startedAt) =>
        new(step.At.UtcDateTime, (long)(step.At - startedAt).TotalMilliseconds, step.Kind, step.Title, step.Detail, step.Job);
}
