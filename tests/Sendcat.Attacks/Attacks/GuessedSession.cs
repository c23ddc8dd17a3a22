namespace Sendcat.Attacks.Attacks;

/// <summary>
/// Uses session ids without a valid signature: invented ids, and ids of other guests without or with a changed signature.
/// </summary>
internal sealed class GuessedSession : Attack
{
    public override byte Number => 10;

    public override string Title => "a guessed session gives access to the data of another user";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var victim = await run.GuestAsync(Address(0), cancellationToken);
        var thread = await victim.NewThreadAsync(cancellationToken);
        await victim.AddMessageAsync(thread, run.System.Secrets.PrivateText, cancellationToken);
        var user = await run.UserAsync(Address(1), cancellationToken);
        var unsigned = victim.Session![..victim.Session!.LastIndexOf('.')];

        string[] guesses =
        [
            "session-1", unsigned, unsigned + "." + new string('A', 22), victim.Session![..^1] + (victim.Session![^1] == 'A' ? 'B' : 'Z'),
            "auth-" + user.AccessToken![..8],
        ];
        string[] pages =
            ["/api/profile", "/api/threads", $"/api/threads/{thread}/messages", $"/api/chat/{thread}/stream", "/api/favorites"];
        foreach (var guessed in guesses)
        {
            var caller = run.From(Address(2)).WithSession(guessed);
            foreach (var page in pages)
            {
                var response = await caller.GetAsync(page, cancellationToken);
                run.Check(
                    response.Status is 401 or 403 or 404
                        && !response.Text.Contains(run.System.Secrets.PrivateText, StringComparison.Ordinal),
                    $"{page} refuses a guessed session",
                    response);
            }

            var created = await caller.PostAsync("/api/threads", new { title = "mine?" }, cancellationToken);
            run.Check(created.Status == 401, "a guessed session creates no thread", created);
            var claim = await user.PostAsync("/api/threads/claim", new { sessionId = guessed }, cancellationToken);
            run.Check(claim.Status >= 400 || (int)claim.Json["claimedCount"]! == 0, "no thread is adopted with a guessed session", claim);
        }
    }
}
