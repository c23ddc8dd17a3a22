namespace Sendcat.ApiService.Chat.Engine;

/// <summary>The cause of the end of a turn that did not end by itself. The names are values of a metric tag and of a span tag.</summary>
internal enum TurnEnding
{
    /// <summary>The user pressed stop, on any replica.</summary>
    UserAbort,

    /// <summary>Every reader disconnected, and none reconnected within the grace period.</summary>
    ClientGone,

    /// <summary>
    /// A newer turn replaced this one, which had no reader: a newer turn of the thread or of the principal, or a turn of any principal that
    /// needed the slot. Also: another turn took over the leases of this one.
    /// </summary>
    Superseded,

    /// <summary>The turn exceeded <see cref="ChatOptions.TurnTimeoutMs"/>.</summary>
    TimeLimit,

    /// <summary>The host stops and the drain time is over.</summary>
    HostStopping,

    /// <summary>
    /// The rows of the turn were closed by another process, which reaped them as those of a dead replica; or Postgres rejected them.
    /// </summary>
    Disowned,

    /// <summary>
    /// Another replica has started a turn of the same message, or another request has begun the thread under the same client id, and was
    /// committed first.
    /// </summary>
    Repeated,

    /// <summary>The thread was deleted.</summary>
    ThreadDeleted,
}

internal static class TurnEndings
{
    /// <summary>The name in reports for operators.</summary>
    public static string Name(this TurnEnding ending) => ending switch
    {
        TurnEnding.UserAbort => "user_abort",
        TurnEnding.ClientGone => "client_gone",
        TurnEnding.Superseded => "superseded",
        TurnEnding.TimeLimit => "time_limit",
        TurnEnding.HostStopping => "host_stopping",
        TurnEnding.Disowned => "disowned",
        TurnEnding.Repeated => "repeated",
        TurnEnding.ThreadDeleted => "thread_deleted",
        _ => throw new ArgumentOutOfRangeException(nameof(ending), ending, null),
    };
}
