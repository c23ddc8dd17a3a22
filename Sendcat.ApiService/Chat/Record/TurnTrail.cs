using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;
using Sendcat.Reliability.Admission;

namespace Sendcat.ApiService.Chat.Record;

/// <summary>
/// What happened to a turn, for operators: how it was admitted, its routes, first tokens, tool calls and end. The <see cref="TurnJournal"/>
/// writes it with the stream session, whenever it writes the turn for another reason. It contains no text of users or models, and no
/// arguments. Thread-safe.
/// </summary>
internal sealed class TurnTrail(TimeProvider time)
{
    /// <summary>Attempts of a call and characters of a name that are kept; a provider or a model determines the names.</summary>
    private const int MaxAttempts = 12;
    private const int MaxName = 120;

    private readonly Lock _gate = new();
    private TrailGate? _admitted;
    private readonly List<TrailCall> _calls = new(1);
    private readonly List<TrailTool> _tools = [];
    private TrailEnd? _end;
    private long _version = 1;
    private long _writtenVersion;

    public TrailEntries Entries
    {
        get
        {
            lock (_gate)
            {
                return Read();
            }
        }
    }

    public void Admitted(AdmissionCheck check, string route, TimeSpan waited)
    {
        var limits = check.Limits().Select(limit => new TrailLimit(limit.Name, limit.Used, limit.Max, limit.Verdict switch
        {
            LimitVerdict.Passed => null,
            LimitVerdict.Over => "over",
            LimitVerdict.WouldBlock => "would_block",
            _ => throw new ArgumentOutOfRangeException(nameof(check), limit.Verdict, null),
        }));
        var mode = check.Mode switch
        {
            AdmissionMode.Enforce => "enforce",
            AdmissionMode.Shadow => "shadow",
            AdmissionMode.Disabled => "disabled",
            _ => throw new ArgumentOutOfRangeException(nameof(check), check.Mode, null),
        };
        Change(() => _admitted = new(mode, route, check.IsLocal, (int)waited.TotalMilliseconds, [.. limits]));
    }

    public void CallBegan() => Change(() => _calls.Add(new(time.GetUtcNow())));

    /// <summary>An attempt of the present model call begins or has failed.</summary>
    public void Attempted(AttemptNotice attempt) => ChangeCall(call => call with { Attempts = After(call.Attempts, attempt) });

    /// <summary>The provider responds to the attempt that was begun last.</summary>
    public void RouteChosen() => ChangeLastAttempt(attempt => attempt with { Outcome = TrailAttempt.Chosen, EndedAt = time.GetUtcNow() });

    public void FirstToken() => ChangeCall(call => call with { FirstTokenAt = call.FirstTokenAt ?? time.GetUtcNow() });

    public void CallEnded(string? reason, long tokens) =>
        ChangeCall(call => call with { EndedAt = time.GetUtcNow(), Reason = Cut(reason), Tokens = tokens });

    public void ToolBegan(string callId, string name) => Change(() => _tools.Add(new(Cut(callId)!, Cut(name)!, time.GetUtcNow())));

    /// <summary>The tool call waits for a job.</summary>
    public void JobEntered(string callId, Guid job, bool joined) =>
        ChangeTool(callId, tool => tool with { Job = job, Joined = joined, JobAt = time.GetUtcNow() });

    public void ToolFound(string callId, LookupSource source) => ChangeTool(callId, tool => tool with
    {
        Source = source switch
        {
            LookupSource.Cache => "cache",
            LookupSource.Job => "job",
            LookupSource.StaleCache => "stale_cache",
            LookupSource.None => "none",
            _ => throw new ArgumentOutOfRangeException(nameof(source), source, null),
        },
    });

    public void ToolEnded(string callId, ToolCallResult result) => ChangeTool(
        callId, tool => tool with { EndedAt = time.GetUtcNow(), Failed = result.Failed, Backpressure = result.Pressure?.Reason });

    /// <summary>The turn has ended. Only the first call has an effect.</summary>
    /// <param name="ending">Why it was ended; null: it ended by itself.</param>
    /// <param name="code">The error code that the client gets; null: none.</param>
    public void Ended(string? ending, ProviderError? failure, string? code, long tokens, long? microUsd)
    {
        var reason = ending ?? (code is null ? MessageStatus.Completed : "failed");
        Change(() => _end ??= new(reason, code, failure?.RouteId, failure?.Status, tokens, microUsd));
    }

    /// <summary>The trail as JSON, if it has changed since the last confirmed write.</summary>
    public (string? Json, long Version) Changes()
    {
        lock (_gate)
        {
            return (_version > _writtenVersion ? JsonSerializer.Serialize(Read(), TrailJson.Default.TrailEntries) : null, _version);
        }
    }

    public void MarkWritten(long version)
    {
        lock (_gate)
        {
            _writtenVersion = Math.Max(_writtenVersion, version);
        }
    }

    private IReadOnlyList<TrailAttempt> After(IReadOnlyList<TrailAttempt> attempts, AttemptNotice notice)
    {
        if (notice.Failure is null)
        {
            return attempts.Count < MaxAttempts ? [.. attempts, new(time.GetUtcNow(), notice.RouteId, Cut(notice.Model)!)] : attempts;
        }

        if (attempts.Count == 0)
        {
            return attempts;
        }

        var failed = notice.Failure.RefusedBy is { } guard
            ? attempts[^1] with { Outcome = TrailAttempt.Refused, Code = guard.Name(), EndedAt = time.GetUtcNow() }
            : attempts[^1] with
            {
                Outcome = TrailAttempt.Failed, Code = notice.Failure.Error.Code, Status = notice.Failure.Error.Status,
                    EndedAt = time.GetUtcNow(),
            };
        return [.. attempts.Take(attempts.Count - 1), failed];
    }

    private static string? Cut(string? text) => text is { Length: > MaxName } ? text[..MaxName] : text;

    private TrailEntries Read() => new() { Gate = _admitted, Calls = [.. _calls], Tools = [.. _tools], End = _end };

    private void ChangeLastAttempt(Func<TrailAttempt, TrailAttempt> change) => ChangeCall(
        call => call.Attempts is [.., var last] ? call with { Attempts = [.. call.Attempts.Take(call.Attempts.Count - 1), change(last)] }
            : call);

    private void ChangeCall(Func<TrailCall, TrailCall> change) => Change(() =>
    {
        if (_calls.Count > 0)
        {
            _calls[^1] = change(_calls[^1]);
        }
    });

    private void ChangeTool(string callId, Func<TrailTool, TrailTool> change) => Change(() =>
    {
        // The last one: a model may use an id again in a later step.
        if (_tools.FindLastIndex(tool => tool.Id == Cut(callId)) is >= 0 and var found)
        {
            _tools[found] = change(_tools[found]);
        }
    });

    private void Change(Action change)
    {
        lock (_gate)
        {
            change();
            _version++;
        }
    }
}
