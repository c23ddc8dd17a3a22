namespace Sendcat.Attacks.Attacks;

/// <summary>Uses session ids that nobody signed: made up, and real ones without their signature.</summary>
internal sealed class GuessedSession : Attack
{
    public override byte Number => 10;

    public override string Title => "a guessed session opens other people's profiles";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var victim = await run.GuestAsync(Address(0), cancellationToken);
        var thread = await victim.NewThreadAsync(cancellationToken);
        await victim.SayAsync(thread, run.System.Secrets.PrivateWords, cancellationToken);
        var user = await run.UserAsync(Address(1), cancellationToken);
        var bare = victim.Session![..victim.Session!.LastIndexOf('.')];

        foreach (var guessed in new[] { "session-1", bare, bare + "." + new string('A', 22), victim.Session![..^1] + (victim.Session![^1] == 'A' ? 'B' : 'Z'), "auth-" + user.AccessToken![..8] })
        {
            var guesser = run.From(Address(2)).WithSession(guessed);
            foreach (var page in new[] { "/api/profile", "/api/threads", $"/api/threads/{thread}/messages", $"/api/chat/{thread}/stream", "/api/favorites" })
            {
                var answer = await guesser.GetAsync(page, cancellationToken);
                run.Check(answer.Status is 401 or 403 or 404 && !answer.Text.Contains(run.System.Secrets.PrivateWords, StringComparison.Ordinal), $"{page} is closed to a guessed session", answer);
            }

            var began = await guesser.PostAsync("/api/threads", new { title = "mine?" }, cancellationToken);
            run.Check(began.Status == 401, "a guessed session begins nothing", began);
            var claim = await user.PostAsync("/api/threads/claim", new { sessionId = guessed }, cancellationToken);
            run.Check(claim.Status >= 400 || (int)claim.Json["claimedCount"]! == 0, "nothing is claimed with a guessed session", claim);
        }
    }
}
