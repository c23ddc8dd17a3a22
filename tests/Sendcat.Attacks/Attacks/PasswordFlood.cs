using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>Signs in and registers with invented mail addresses from 24 source addresses at the same time.</summary>
internal sealed class PasswordFlood : Attack
{
    private const int Loops = 24;

    public override byte Number => 8;

    public override string Title => "password hashes saturate the cores";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var callers = Enumerable.Range(0, Loops).Select(n => run.From(Address(n))).ToArray();
        var withoutRetryAfter = 0;

        await run.FloodAsync(Loops, async loop =>
        {
            var email = AttackedSystem.NewEmail();
            var response = await callers[loop].PostAsync(
                loop % 2 == 0 ? "/api/auth/login" : "/api/auth/register", new { email, password = "some password 1" }, cancellationToken);
            if (response is { Status: 429 or 503, HasRetryAfter: false })
            {
                Interlocked.Increment(ref withoutRetryAfter);
            }
        }, cancellationToken);

        run.Check(
            run.Responses.Statuses.Keys.All(status => status is 200 or 401 or 429 or 503),
            "every request is served or refused with 429 or 503", run.Responses);
        run.Check(withoutRetryAfter == 0, "every refusal has a Retry-After of at least 1 s", withoutRetryAfter);
    }
}
