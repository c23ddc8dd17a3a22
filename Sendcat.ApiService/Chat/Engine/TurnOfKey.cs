namespace Sendcat.ApiService.Chat.Engine;

/// <summary>The turn of a request with an idempotency key, as persisted.</summary>
/// <param name="Status">A <see cref="Record.MessageStatus"/>.</param>
internal sealed record TurnOfKey(RunningTurn Turn, string Status)
{
    /// <summary>
    /// Its last message exists. Otherwise another turn has replaced its answer, or it had none: the model answered nothing, or it was cut
    /// before.
    /// </summary>
    public bool HasMessage { get; init; }

    /// <summary>
    /// A turn that answers the same message and began after it has a message. One that failed before its first content replaced nothing.
    /// </summary>
    public bool HasNewerAnswer { get; init; }

    /// <summary>A turn that answers the same message and began after it runs.</summary>
    public bool HasNewerRunning { get; init; }

    /// <summary>
    /// Another turn has replaced its answer; or it was cut, and another turn has made the answer in its place or is about to.
    /// </summary>
    public bool IsReplaced =>
        Status == Record.MessageStatus.Completed ? !HasMessage && HasNewerAnswer : HasNewerAnswer || HasNewerRunning;
}
