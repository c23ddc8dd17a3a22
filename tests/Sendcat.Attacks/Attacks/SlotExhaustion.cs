using Sendcat.Attacks.Callers;

namespace Sendcat.Attacks.Attacks;

/// <summary>Starts a long turn for each of thirty guests of one address.</summary>
internal sealed class SlotExhaustion : Attack
{
    private const int Guests = 30;

    /// <summary>The share of one address of the 24 slots of the primary route: 15 %, at least four.</summary>
    private const int Share = 4;

    public override byte Number => 3;

    public override string Title => "one address takes all slots";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guests = await Task.WhenAll(Enumerable.Range(0, Guests).Select(async _ =>
        {
            var guest = await run.GuestAsync(Address(0), cancellationToken);
            var thread = await guest.NewThreadAsync(cancellationToken);
            await guest.AddMessageAsync(thread, "[[emu chunks=3000 every=10]] talk for long", cancellationToken);
            return (Caller: guest, Thread: thread);
        }));

        var responses = await Task.WhenAll(
            guests.Select(guest => guest.Caller.OpenChatAsync(guest.Thread, cancellationToken: cancellationToken)));
        try
        {
            var started = responses.Count(response => response.IsSuccessStatusCode);
            run.Check(started is > 0 and <= Share, $"an address holds at most {Share} slots", started);
            foreach (var refused in responses.Where(response => !response.IsSuccessStatusCode))
            {
                run.Check(
                    (int)refused.StatusCode is 429 or 503 && refused.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1),
                    "a refused caller gets a Retry-After of at least 1 s", refused.StatusCode);
            }

            await run.System.Honest.WaitForAsync(12, cancellationToken);
        }
        finally
        {
            Array.ForEach(responses, response => response.Dispose());
            await Task.WhenAll(guests.Select(guest => guest.Caller.PostAsync(
                $"/api/threads/{guest.Thread}/abort", cancellationToken: CancellationToken.None)));
        }
    }
}
