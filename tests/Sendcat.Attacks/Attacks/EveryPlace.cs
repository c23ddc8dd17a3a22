using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Attacks;

/// <summary>Comes as thirty guests of one address, each with a turn that lasts.</summary>
internal sealed class EveryPlace : Attack
{
    private const int Guests = 30;

    /// <summary>Of the 24 places of the primary route: 15 %, and four at least.</summary>
    private const int Share = 4;

    public override byte Number => 3;

    public override string Title => "one address takes every place";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guests = await Task.WhenAll(Enumerable.Range(0, Guests).Select(async _ =>
        {
            var guest = await run.GuestAsync(Address(0), cancellationToken);
            var thread = await guest.NewThreadAsync(cancellationToken);
            await guest.SayAsync(thread, "[[emu chunks=3000 every=10]] talk for long", cancellationToken);
            return (Caller: guest, Thread: thread);
        }));

        var answers = await Task.WhenAll(guests.Select(guest => guest.Caller.OpenChatAsync(guest.Thread, cancellationToken: cancellationToken)));
        try
        {
            var started = answers.Count(answer => answer.IsSuccessStatusCode);
            run.Check(started is > 0 and <= Share, $"an address holds at most {Share} places", started);
            foreach (var refused in answers.Where(answer => !answer.IsSuccessStatusCode))
            {
                run.Check((int)refused.StatusCode is 429 or 503 && refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1), "who is refused learns when to come back", refused.StatusCode);
            }

            await run.System.Honest.WaitForAsync(12, cancellationToken);
        }
        finally
        {
            Array.ForEach(answers, answer => answer.Dispose());
            await Task.WhenAll(guests.Select(guest => guest.Caller.PostAsync($"/api/threads/{guest.Thread}/abort", cancellationToken: CancellationToken.None)));
        }
    }
}
