using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Attacks;

/// <summary>Wants to know who has an account, locks people out of theirs, and takes a guest's threads by registering.</summary>
internal sealed class TellingAccountsApart : Attack
{
    private const string Password = "a good password 1";
    private const string Wrong = "a wrong password 1";

    /// <summary>Wrong passwords of one address for one account.</summary>
    private const int Attempts = 5;

    public override byte Number => 15;

    public override string Title => "accounts are told apart and locked";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var (known, unknown) = (AttackedSystem.NewEmail(), AttackedSystem.NewEmail());
        using var owner = await run.System.From(Address(0)).AsUserAsync(known, Password, cancellationToken);
        var attacker = run.From(Address(1));

        foreach (var (path, body) in new (string, Func<string, object>)[]
        {
            ("/api/auth/register", email => new { email, password = Password }),
            ("/api/auth/forgot-password", email => new { email }),
        })
        {
            var (taken, free) = (await attacker.PostAsync(path, body(known), cancellationToken), await attacker.PostAsync(path, body(AttackedSystem.NewEmail()), cancellationToken));
            run.Check(taken.Status == free.Status && taken.Text.Length == free.Text.Length, $"{path} answers known and unknown addresses alike", $"{taken} / {free}");
        }

        for (var n = 0; n <= Attempts; n++)
        {
            var (of, nobody) = (await SignInAsync(attacker, known, Wrong), await SignInAsync(attacker, unknown, Wrong));
            run.Check((of.Status, of.Code, of.Text.Length) == (nobody.Status, nobody.Code, nobody.Text.Length), $"attempt {n + 1} tells nothing about the account", $"{of} / {nobody}");
            run.Check(of.Status == (n < Attempts ? 401 : 429) && (of.Status == 401 || of.SaysWhen), $"attempt {n + 1} is counted", of);
        }

        var locked = await SignInAsync(attacker, known, Password);
        run.Check(locked is { Status: 429, SaysWhen: true }, "the attacker is out, even with the right password", locked);
        var mine = await SignInAsync(owner, known, Password);
        run.Check(mine.Status == 200, "the owner gets in", mine);

        await ClaimAsync(run, cancellationToken);

        Task<Answer> SignInAsync(Caller caller, string email, string password) => caller.PostAsync("/api/auth/login", new { email, password }, cancellationToken);
    }

    private async Task ClaimAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(2), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        (await run.From(Address(1)).PostAsync("/api/auth/register", new { email = AttackedSystem.NewEmail(), password = Password, sessionId = guest.Session }, cancellationToken)).Expected();
        var still = await guest.GetAsync($"/api/threads/{thread}", cancellationToken);
        run.Check(still.Status == 200, "registering takes no threads", still);
    }
}
