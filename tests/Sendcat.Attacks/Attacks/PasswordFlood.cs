using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Attacks;

/// <summary>Signs in, registers and resets with made-up names from many addresses at once.</summary>
internal sealed class PasswordFlood : Attack
{
    private const int Loops = 24;

    public override byte Number => 8;

    public override string Title => "password hashes saturate the cores";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var strangers = Enumerable.Range(0, Loops).Select(n => run.From(Address(n))).ToArray();
        var silent = 0;

        await run.FloodAsync(Loops, async loop =>
        {
            var email = AttackedSystem.NewEmail();
            var answer = await strangers[loop].PostAsync(loop % 2 == 0 ? "/api/auth/login" : "/api/auth/register", new { email, password = "some password 1" }, cancellationToken);
            if (answer is { Status: 429 or 503, SaysWhen: false })
            {
                Interlocked.Increment(ref silent);
            }
        }, cancellationToken);

        run.Check(run.Answers.Statuses.Keys.All(status => status is 200 or 401 or 429 or 503), "a sign-in is answered or put off", run.Answers);
        run.Check(silent == 0, "who is put off learns when to come back", silent);
    }
}
