namespace Sendcat.KillRig.Freezing;

/// <summary>One request of a simulated user.</summary>
/// <param name="Kind">
/// <c>list</c> (the user's threads), <c>chat</c> (until the response of a turn begins), <c>answer</c> or <c>search</c> (a whole accepted
/// turn without or with a search).
/// </param>
/// <param name="Outcome">
/// The HTTP status, with the reason of a refusal; <c>done</c>, <c>error</c>, <c>aborted</c> or <c>cut off</c> of a turn; <c>no answer</c>
/// after the client's timeout.
/// </param>
/// <param name="At">When it was sent.</param>
internal sealed record Request(string Kind, string Outcome, DateTimeOffset At, TimeSpan Took)
{
    public bool Succeeded => Outcome is "200" or "done";
}

/// <summary>A turn that the service accepted: its response had status 200.</summary>
/// <param name="Question">The text of the user's message. No other message has it.</param>
/// <param name="Answers">The streamed text of each message of the answer.</param>
internal sealed record AcceptedTurn(string Question, IReadOnlyDictionary<Guid, string> Answers, string End);
