using System.Text.Json.Serialization;
using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.Slo;

namespace Sendcat.Reliability.Snapshot;

/// <summary>What a program reports about the work of its process.</summary>
public interface IProcessLoad
{
    /// <summary><c>api</c> or <c>worker</c>.</summary>
    string Kind { get; }

    ProcessLoad Read();
}

/// <summary>The work of a process. Null: the program has no such work.</summary>
/// <param name="Turns">Turns that run.</param>
/// <param name="WaitingTurns">Turns without a first token.</param>
/// <param name="Jobs">Tool jobs that run.</param>
/// <param name="Slots">Most tool jobs at once.</param>
public sealed record ProcessLoad(int? Turns = null, int? WaitingTurns = null, int? Jobs = null, int? Slots = null)
{
    public RecentTurns? Recent { get; init; }

    internal bool IsIdle => Turns is null or 0 && Jobs is null or 0;
}

/// <summary>What became of the turns of a replica, so that every replica gives the same verdict on the turns of all.</summary>
/// <param name="Minute">Turns that ended in the last minute.</param>
/// <param name="Latest">Those of them that ended in the last 15 seconds.</param>
/// <param name="Waiting">Turns that still wait for their first token, longer than the policy allows.</param>
public sealed record RecentTurns(RecentCounts Minute, RecentCounts Latest, int Waiting)
{
    public static readonly RecentTurns None = new(RecentCounts.None, RecentCounts.None, 0);

    public RecentTurns Plus(RecentTurns other) => new(Minute.Plus(other.Minute), Latest.Plus(other.Latest), Waiting + other.Waiting);
}

/// <summary>What a process reports about itself, every two seconds, to Redis.</summary>
/// <param name="Version">Of the program, with the first digits of the build's id.</param>
/// <param name="IsDrained">It begins no new work.</param>
/// <param name="Circuits">With its own counts of failures and successes.</param>
public sealed record ProcessStatus(
    string Kind, string Version, string Host, int Pid, DateTimeOffset StartedAt, DateTimeOffset SeenAt, bool IsDrained, ProcessLoad Load,
    IReadOnlyList<CircuitReading> Circuits);

/// <summary>Who has drained a process.</summary>
/// <param name="StopsBy">
/// For a restart: the process stops when nothing runs in it, or at this time; null: it is drained only.
/// </param>
public sealed record DrainOrder(DateTimeOffset At, string By, string? Reason, DateTimeOffset? StopsBy = null);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProcessStatus))]
[JsonSerializable(typeof(DrainOrder))]
internal sealed partial class ProcessJson : JsonSerializerContext;
