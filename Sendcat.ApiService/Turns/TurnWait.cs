using System.Globalization;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Turns;

/// <summary>What a running turn waits for now.</summary>
/// <param name="Kind">
/// <c>start</c>, <c>provider</c>, <c>first_token</c>, <c>text</c>, <c>tool_job</c>, <c>tool</c>, <c>reader</c>, <c>commit</c> or
/// <c>dead_replica</c>.
/// </param>
/// <param name="Text">A sentence for people.</param>
internal sealed record TurnWait(string Kind, string Text, DateTimeOffset Since)
{
    public string? Route { get; init; }

    /// <summary>The provider whose circuit is not closed.</summary>
    public string? Provider { get; init; }

    public string? Tool { get; init; }

    public Guid? Job { get; init; }

    /// <summary>Due jobs of the lane before the job.</summary>
    public int? Position { get; init; }

    public string? Lane { get; init; }

    /// <returns>Null: the turn has ended.</returns>
    public static TurnWait? Of(TurnFacts facts)
    {
        var turn = facts.Turn;
        if (!turn.IsRunning)
        {
            return null;
        }

        if (!turn.ReplicaLives)
        {
            return new("dead_replica", $"Its replica {turn.ReplicaId} sends no heartbeat. Another one closes the turn within seconds.",
                turn.StartedAt);
        }

        if (turn.Trail is not { Calls: [.., var call] } trail)
        {
            return new("start", "It starts.", turn.StartedAt);
        }

        var wait = call.EndedAt is { } callEnded ? OfTools(facts, trail, callEnded) : OfCall(facts, call);
        return facts.UnreadSince is not { } unread ? wait
            : wait is { Kind: "text" }
                ? wait with { Kind = "reader", Text = $"It writes its answer, and has had no reader for {Elapsed(facts.Now - unread)}.",
                Since = unread }
            : wait with { Text = $"{wait.Text} It has had no reader for {Elapsed(facts.Now - unread)}." };
    }

    private static TurnWait OfCall(TurnFacts facts, TrailCall call)
    {
        if (call.FirstTokenAt is { } first)
        {
            return new("text", "It writes its answer.", first) { Route = call.Attempts is [.., var answers] ? answers.Route : null };
        }

        if (call.Attempts is not [.., var attempt])
        {
            return new("provider", "Its model call begins.", call.At);
        }

        var barring = facts.Circuits.FirstOrDefault(
            circuit => circuit.Provider == ProviderRoute.GuardOf(attempt.Route) && circuit.State != "closed");
        var circuit = barring is null ? "" : $" The circuit of the route is {barring.State.Replace('_', '-')}.";
        var count = call.Attempts.Count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" (attempt {call.Attempts.Count})");
        return attempt.Outcome switch
        {
            null => new(
                "provider",
                $"The {attempt.Route} route has not responded for {Elapsed(facts.Now - attempt.At)}; "
                + $"model {attempt.Model}{count}.{circuit}",
                attempt.At)
            {
                Route = attempt.Route, Provider = barring?.Provider,
            },
            TrailAttempt.Chosen => new(
                "first_token",
                $"The {attempt.Route} route has responded and sent no token for {Elapsed(facts.Now - (attempt.EndedAt ?? attempt.At))}; "
                + $"model {attempt.Model}{count}.{circuit}",
                attempt.EndedAt ?? attempt.At)
            {
                Route = attempt.Route, Provider = barring?.Provider,
            },
            _ => new("provider", $"The {attempt.Route} route failed ({attempt.Code}); the next attempt follows.{circuit}",
                attempt.EndedAt ?? attempt.At)
            {
                Route = attempt.Route, Provider = barring?.Provider,
            },
        };
    }

    private static TurnWait OfTools(TurnFacts facts, TrailEntries trail, DateTimeOffset callEnded)
    {
        var open = trail.Tools.Where(tool => tool.EndedAt is null).ToList();
        if (open.Count == 0)
        {
            return new("commit", "It goes on to the next step, or is stored.", callEnded);
        }

        // The one that is furthest from its end says why the turn waits.
        var waits = open.Select(tool => OfTool(facts, tool)).OrderByDescending(wait => wait.Job is not null).ThenBy(wait => wait.Since)
            .ToList();
        return open.Count == 1 ? waits[0]
            : waits[0] with { Text = string.Create(CultureInfo.InvariantCulture, $"{waits[0].Text} {open.Count} tool calls run.") };
    }

    private static TurnWait OfTool(TurnFacts facts, TrailTool tool)
    {
        if (tool.Job is not { } id || !facts.Jobs.TryGetValue(id, out var job))
        {
            return new("tool", $"The tool {tool.Name} has run for {Elapsed(facts.Now - tool.At)}.", tool.At) { Tool = tool.Name };
        }

        var position = facts.Positions.TryGetValue(id, out var before) ? before : (int?)null;
        var since = tool.JobAt ?? tool.At;
        return new("tool_job", $"{TextOf(job, position, facts.Now)}{(tool.Joined ? " Another turn enqueued it." : "")}", since)
        {
            Tool = tool.Name, Job = id, Position = job.Status == "queued" ? position : null, Lane = job.Tool,
        };
    }

    private static string TextOf(ToolJobRow job, int? position, DateTimeOffset now)
    {
        var attempt = string.Create(CultureInfo.InvariantCulture, $"attempt {job.Attempts} of {job.MaxAttempts}");
        return job.Status switch
        {
            "queued" when job.AvailableAt > now && job.Attempts > 0 =>
                $"A {job.Tool} job runs again in {Elapsed(job.AvailableAt - now)} ({attempt} failed: {job.LastError}).",
            "queued" when job.AvailableAt > now => $"A {job.Tool} job is due in {Elapsed(job.AvailableAt - now)}.",
            "queued" => $"A {job.Tool} job has been in its lane for {Elapsed(now - job.CreatedAt)}{Before(position)}.",
            "running" => $"A {job.Tool} job has run for {Elapsed(now - (job.StartedAt ?? job.CreatedAt))} on {job.LeaseOwner} ({attempt}).",
            _ => $"Its {job.Tool} job has ended ({job.Status}); the turn takes the result.",
        };
    }

    private static string Before(int? position) =>
        position is { } jobs ? string.Create(CultureInfo.InvariantCulture, $", {jobs} due jobs before it") : "";

    /// <summary>A time in milliseconds below two seconds, in seconds below two minutes, else in minutes.</summary>
    public static string Elapsed(TimeSpan time) =>
        time.TotalMilliseconds < 2_000 ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, time.TotalMilliseconds):0} ms")
        : time.TotalSeconds < 120 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min");
}
